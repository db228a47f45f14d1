"""Whatever the settings say, by HTTP alone."""

from django.core.asgi import get_asgi_application

application = get_asgi_application()
