import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "picha.settings")

http = get_asgi_application()  # first: it loads the apps whose models the routing needs

from picha import daphne_requests  # noqa: E402
from picha.origins import AtRoot, OriginCheck  # noqa: E402
from realtime.routing import websocket_urlpatterns  # noqa: E402

daphne_requests.install()
sockets = AtRoot(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))

application = ProtocolTypeRouter(
    {"http": AtRoot(http), "websocket": OriginCheck(sockets, allowed=settings.ALLOWED_ORIGINS)}
)
