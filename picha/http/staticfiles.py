"""Static files: hashed names and compressed copies, served by the site itself."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # has no types
    # Rewrites the imports inside ES modules to hashed names as well.
    support_js_module_import_aggregation = True


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # has no types
    """WhiteNoise's middleware, made async.

    WhiteNoise is made for WSGI. Under ASGI, unchanged, every request of the site would pass
    through a thread, and every file would be streamed by a synchronous iterator: Django warns of
    it and reads the whole file.
    """

    sync_capable = True
    async_capable = True

    get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]]) -> None:
        super().__init__(get_response)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        response: HttpResponseBase | Awaitable[HttpResponseBase] = (
            self._respond(request) if iscoroutinefunction(self) else super().__call__(request)
        )
        return response

    async def _respond(self, request: HttpRequest) -> HttpResponseBase:
        if self.autorefresh:
            static_file = await sync_to_async(self.find_file)(request.path_info)
        else:
            static_file = self.files.get(request.path_info)
        if static_file is None:
            return await self.get_response(request)
        return await sync_to_async(_file_response)(static_file, request)


def _file_response(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
    answer = static_file.get_response(request.method, request.META)
    body = b""
    if answer.file is not None:
        with answer.file as file:
            body = file.read()
    response = HttpResponse(body, status=int(answer.status))
    del response["Content-Type"]
    for name, value in answer.headers:
        response[name] = value
    return response
