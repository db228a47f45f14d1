"""The names of all URL patterns of the site."""

from collections.abc import Iterator

from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse


def url_names() -> set[str]:
    return set(_names(get_resolver().url_patterns))


def _names(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, (namespace, pattern.namespace)))
            yield from _names(pattern.url_patterns, inner)
        else:
            yield f"{namespace}:{pattern.name or pattern.pattern}".removeprefix(":")


def admin_path(name: str) -> str:
    """A path of the admin page with this name, with arguments if it needs some."""
    for arguments in ([], ["1"], ["auth"], ["1", "1"], ["1", "password"]):
        try:
            return reverse(name, args=arguments)
        except NoReverseMatch:
            continue
    return "/admin/there-is-nothing-here/"  # for the catch-all pattern, which has no name
