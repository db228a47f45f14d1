import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "picha.settings")

http = get_asgi_application()  # first: it loads the apps whose models the routing needs

from picha.origins import OriginCheck  # noqa: E402
from realtime.routing import websocket_urlpatterns  # noqa: E402

sockets = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))

application = ProtocolTypeRouter(
    {"http": http, "websocket": OriginCheck(sockets, allowed=settings.ALLOWED_ORIGINS)}
)
