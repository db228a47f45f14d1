import os
from urllib.parse import urlsplit

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "picha.settings")

http = get_asgi_application()  # first: it loads the apps whose models the routing needs

from picha.http import daphne_requests  # noqa: E402
from picha.http.origins import AtSiteUrl, OriginCheck, refuse  # noqa: E402
from realtime.routing import websocket_urlpatterns  # noqa: E402

daphne_requests.install()
scheme = urlsplit(settings.SITE_URL).scheme
pages = AtSiteUrl(http, scheme=scheme)
anything_else = re_path("", refuse)  # type: ignore[arg-type]  # an ASGI app, routed by Channels
routes = URLRouter([*websocket_urlpatterns, anything_else])
sockets = AtSiteUrl(AuthMiddlewareStack(routes), scheme=scheme.replace("http", "ws"))

application = ProtocolTypeRouter(
    {"http": pages, "websocket": OriginCheck(sockets, allowed=settings.ALLOWED_ORIGINS)}
)
