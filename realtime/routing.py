"""The WebSocket's address, with the session and the user of each socket in its scope."""

from django.urls import URLPattern, path

from realtime.live.session_middleware import with_session_and_user
from realtime.live.websocket import jobs_socket

websocket_urlpatterns: list[URLPattern] = [
    path("ws/jobs/", with_session_and_user(jobs_socket)),  # type: ignore[arg-type]  # an ASGI app
]
