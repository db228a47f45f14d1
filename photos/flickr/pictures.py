"""PictureClient: downloads the picture of one photo, without retries."""

from dataclasses import dataclass
from functools import partial

from photos.flickr.config import FlickrConfig
from photos.flickr.errors import (
    PictureGoneError,
    PictureRefusedError,
    PictureUnreadableError,
    TooLargeError,
)
from photos.flickr.hosts import ImageHosts
from photos.flickr.http_client import HttpClient, Response

GONE = "The picture is no longer at Flickr."


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureClient:
    client: HttpClient
    config: FlickrConfig

    async def download(self, urls: tuple[str, ...]) -> bytes:
        """Return the picture in the first of its sizes that Flickr has.

        Raises:
            PictureError: Flickr has none of the sizes, or this site may not download it.
            TransientError: Flickr is slow, down or limits the rate; a later try may succeed.
        """
        gone = PictureGoneError(GONE)
        for url in urls:
            try:
                return await self._download_size(url)
            except PictureGoneError as error:
                gone = error
        raise gone

    async def _download_size(self, url: str) -> bytes:
        hosts = ImageHosts(self.config.image_hosts)
        hosts.check(url)
        try:
            response = await self.client.get(
                url,
                max_bytes=self.config.picture_max,
                check_peer=partial(hosts.check_peer, url),
            )
        except TooLargeError:
            raise PictureRefusedError(
                f"The picture is larger than {self.config.picture_max:,} bytes."
            ) from None
        return _picture_in(response)


def _picture_in(response: Response) -> bytes:
    # Flickr redirects the URL of a deleted picture to a placeholder, or responds 404 or 410.
    if response.status in (301, 302, 303, 307, 308, 404, 410):
        raise PictureGoneError(GONE)
    if response.status != 200 or not response.body:
        raise PictureUnreadableError(f"Flickr responded {response.status} instead of a picture.")
    return response.body
