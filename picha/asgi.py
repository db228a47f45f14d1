import os
from urllib.parse import urlsplit

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "picha.settings")

django_application = get_asgi_application()  # first: the routing imports models of loaded apps

from picha.http import daphne_requests  # noqa: E402
from picha.http.empty_bodies import EmptyBodyMiddleware  # noqa: E402
from picha.http.origins import OriginCheck, SiteUrlMiddleware, reject_socket  # noqa: E402
from picha.http.utf8_forms import Request  # noqa: E402
from realtime.routing import websocket_urlpatterns  # noqa: E402

daphne_requests.install()
django_application.request_class = Request
scheme = urlsplit(settings.SITE_URL).scheme
pages = SiteUrlMiddleware(EmptyBodyMiddleware(django_application), scheme=scheme)
unknown_path = re_path("", reject_socket)  # type: ignore[arg-type]  # Channels routes ASGI apps
routes = URLRouter([*websocket_urlpatterns, unknown_path])
sockets = SiteUrlMiddleware(routes, scheme=scheme.replace("http", "ws"))

application = ProtocolTypeRouter(
    {"http": pages, "websocket": OriginCheck(sockets, allowed=settings.ALLOWED_ORIGINS)}
)
