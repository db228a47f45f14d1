from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import AsyncRequestFactory, RequestFactory, override_settings

from picha.http.staticfiles import StaticFilesMiddleware


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All static files of the site, as `make run` collects them."""
    folder = tmp_path_factory.mktemp("static")
    storages = settings.STORAGES | {
        "staticfiles": {"BACKEND": "picha.http.staticfiles.ManifestStorage"}
    }
    with override_settings(STATIC_ROOT=folder, STORAGES=storages):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield folder


async def not_a_file(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the site")


async def get(path: str, method: str = "GET", **headers: str) -> HttpResponse:
    middleware = StaticFilesMiddleware(
        cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", not_a_file)
    )
    request = AsyncRequestFactory().generic(method, path, headers=headers)
    return await cast("Awaitable[HttpResponse]", middleware(request))


def hashed(folder: Path, pattern: str) -> Path:
    return next(iter(sorted(folder.glob(pattern))))


async def test_a_file_is_served_whole_and_for_ever(collected: Path) -> None:
    file = hashed(collected, "picha/site.*.css")

    response = await get(f"/static/picha/{file.name}")

    assert response.status_code == 200
    assert response.content == file.read_bytes()
    assert response["Content-Type"].startswith("text/css")
    assert "immutable" in response["Cache-Control"]


async def test_a_compressed_copy_is_served_to_those_who_take_it(collected: Path) -> None:
    file = hashed(collected, "picha/site.*.css")

    response = await get(f"/static/picha/{file.name}", **{"Accept-Encoding": "br"})

    assert response["Content-Encoding"] == "br"
    assert len(response.content) < file.stat().st_size


async def test_a_file_that_has_not_changed_is_not_sent_again(collected: Path) -> None:
    path = f"/static/picha/{hashed(collected, 'picha/site.*.css').name}"
    seen = await get(path)

    response = await get(path, **{"If-None-Match": seen["ETag"]})

    assert response.status_code == 304
    assert response.content == b""


async def test_head_sends_no_body(collected: Path) -> None:
    response = await get(f"/static/picha/{hashed(collected, 'picha/site.*.css').name}", "HEAD")

    assert response.content == b""
    assert int(response["Content-Length"]) > 0


async def test_everything_else_is_the_sites(collected: Path) -> None:
    for path in ("/", "/static/nothing.css", "/static/../settings.py", "/static/"):
        assert (await get(path)).content == b"the site"


def test_it_works_without_asgi_too(collected: Path) -> None:
    def site(request: HttpRequest) -> HttpResponse:
        return HttpResponse("the site")

    middleware = StaticFilesMiddleware(
        cast("Callable[[HttpRequest], Awaitable[HttpResponseBase]]", site)
    )

    response = cast("HttpResponse", middleware(RequestFactory().get("/")))

    assert response.content == b"the site"


def test_modules_import_each_other_by_hashed_names(collected: Path) -> None:
    """An import that keeps its plain name is served from a cache long after it has changed."""
    modules = [file for file in collected.glob("realtime/*.js") if file.name.count(".") > 1]

    plain = [
        (module.name, line)
        for module in modules
        for line in module.read_text("utf-8").splitlines()
        if line.startswith(("import ", "} from")) and line.count(".") < 3
    ]

    assert modules
    assert plain == []
