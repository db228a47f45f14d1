from django.urls import URLPattern, path

from realtime.live.websocket import jobs_socket

websocket_urlpatterns: list[URLPattern] = [
    path("ws/jobs/", jobs_socket),  # type: ignore[arg-type]  # an ASGI app, routed by Channels
]
