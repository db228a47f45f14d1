"""The baseline of the fan-out benchmark: a consumer as in the documentation of Channels.

Each socket has its own consumer and its own channel in the channel layer. All consumers are in one
group, and each consumer encodes the JSON again.
"""

from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import URLPattern, path

http = get_asgi_application()

GROUP = "consumer-baseline"


class JobConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def job_snapshot(self, event: dict[str, Any]) -> None:
        await self.send_json(event["snapshot"])


routes: list[URLPattern] = [path("ws/jobs/", JobConsumer.as_asgi())]

application = ProtocolTypeRouter(
    {"http": http, "websocket": AuthMiddlewareStack(URLRouter(routes))}
)
