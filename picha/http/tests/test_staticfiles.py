import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import AsyncRequestFactory, RequestFactory, override_settings

from picha.http.staticfiles import StaticFilesMiddleware

IMPORTED_NAME = re.compile(r"\b(?:from|import) \"(\.[^\"]+)\"")
HASHED_NAME = re.compile(r"\.[0-9a-f]{12}\.js$")


@pytest.fixture(scope="module")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with all static files of the site, collected as `make run` collects them."""
    folder = tmp_path_factory.mktemp("static")
    storages = settings.STORAGES | {
        "staticfiles": {"BACKEND": "picha.http.staticfiles.ManifestStorage"}
    }
    with override_settings(STATIC_ROOT=folder, STORAGES=storages):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield folder


async def site(request: HttpRequest) -> HttpResponse:
    return HttpResponse("a page")


async def get(path: str, method: str = "GET", **headers: str) -> HttpResponse:
    middleware = StaticFilesMiddleware(
        cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", site)
    )
    request = AsyncRequestFactory().generic(method, path, headers=headers)
    return await cast("Awaitable[HttpResponse]", middleware(request))


def hashed_file(folder: Path, pattern: str) -> Path:
    return next(iter(sorted(folder.glob(pattern))))


async def test_a_file_is_served_whole_and_is_immutable(static_root: Path) -> None:
    file = hashed_file(static_root, "picha/base.*.css")

    response = await get(f"/static/picha/{file.name}")

    assert response.status_code == 200
    assert response.content == file.read_bytes()
    assert response["Content-Type"].startswith("text/css")
    assert "immutable" in response["Cache-Control"]


async def test_a_compressed_copy_is_served_on_request(static_root: Path) -> None:
    file = hashed_file(static_root, "picha/base.*.css")

    response = await get(f"/static/picha/{file.name}", **{"Accept-Encoding": "br"})

    assert response["Content-Encoding"] == "br"
    assert len(response.content) < file.stat().st_size


async def test_a_file_that_has_not_changed_is_not_sent_again(static_root: Path) -> None:
    path = f"/static/picha/{hashed_file(static_root, 'picha/base.*.css').name}"
    first = await get(path)

    response = await get(path, **{"If-None-Match": first["ETag"]})

    assert response.status_code == 304
    assert response.content == b""


async def test_head_sends_no_body(static_root: Path) -> None:
    response = await get(
        f"/static/picha/{hashed_file(static_root, 'picha/base.*.css').name}", "HEAD"
    )

    assert response.content == b""
    assert int(response["Content-Length"]) > 0


async def test_every_other_path_goes_to_the_site(static_root: Path) -> None:
    for path in ("/", "/static/nothing.css", "/static/../settings.py", "/static/"):
        assert (await get(path)).content == b"a page"


def test_the_middleware_works_under_wsgi(static_root: Path) -> None:
    def sync_site(request: HttpRequest) -> HttpResponse:
        return HttpResponse("a page")

    middleware = StaticFilesMiddleware(
        cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", sync_site)
    )

    response = cast("HttpResponse", middleware(RequestFactory().get("/")))

    assert response.content == b"a page"


def test_modules_import_each_other_by_hashed_names(static_root: Path) -> None:
    """A browser may use an import without a hash from its cache long after the file changed."""
    modules = [file for file in static_root.glob("realtime/**/*.js") if file.name.count(".") > 1]

    names = {
        (module.name, name)
        for module in modules
        for name in IMPORTED_NAME.findall(module.read_text("utf-8"))
    }

    assert names
    assert {(module, name) for module, name in names if not HASHED_NAME.search(name)} == set()
