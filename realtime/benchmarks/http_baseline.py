"""An ASGI application that serves HTTP but no WebSockets, whatever the settings say."""

from django.core.asgi import get_asgi_application

application = get_asgi_application()
