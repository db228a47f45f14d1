"""Downloads one photo's picture."""

from dataclasses import dataclass
from functools import partial

from photos.flickr.config import FlickrConfig
from photos.flickr.errors import (
    PictureError,
    PictureGoneError,
    PictureRefusedError,
    PictureUnreadableError,
    TooLargeError,
)
from photos.flickr.hosts import ImageHosts
from photos.flickr.http_client import Answer, Client

GONE = "Its picture is no longer at Flickr."


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    client: Client
    config: FlickrConfig

    async def download(self, addresses: tuple[str, ...]) -> bytes:
        """The first of the sizes that is there.

        Raises:
            PictureError: none of them is, or may be, fetched.
            TransientError: Flickr is slow, limited or down; later it may work.
        """
        missing: PictureError = PictureGoneError(GONE)
        for address in addresses:
            try:
                return await self._one(address)
            except PictureGoneError as error:
                missing = error
        raise missing

    async def _one(self, address: str) -> bytes:
        hosts = ImageHosts(self.config.image_hosts)
        hosts.check(address)
        try:
            answer = await self.client.get(
                address,
                longest=self.config.picture_max,
                check_peer=partial(hosts.check_peer, address),
            )
        except TooLargeError:
            raise PictureRefusedError("Its picture is larger than this site takes.") from None
        return _body(answer)


def _body(answer: Answer) -> bytes:
    # A deleted photo's picture is a redirect to a placeholder, or 404, or 410.
    if answer.status in (301, 302, 303, 307, 308, 404, 410):
        raise PictureGoneError(GONE)
    if answer.status != 200 or not answer.body:
        raise PictureUnreadableError(f"Flickr answered {answer.status} instead of a picture.")
    return answer.body
