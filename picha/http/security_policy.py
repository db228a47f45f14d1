"""Content Security Policy: the site's pages load nothing from other sites."""

from collections.abc import Iterable

from csp.constants import NONE, SELF


def content_security_policy(origins: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """The value of django-csp's CONTENT_SECURITY_POLICY; pages open WebSockets to `origins`."""
    # A policy cannot contain an IPv6 address (CSP 3, 2.3.1, host-part); 'self' stands for it.
    sockets = [origin.replace("http", "ws", 1) for origin in origins if "[" not in origin]
    return {
        "DIRECTIVES": {
            "default-src": [SELF],
            "script-src": [SELF],
            "style-src": [SELF],
            "img-src": [SELF, "data:"],
            "connect-src": [SELF, *sockets],
            "object-src": [NONE],
            "base-uri": [NONE],
            "form-action": [SELF],
            "frame-ancestors": [NONE],
        },
    }
