"""FlickrConfig: the URLs of Flickr, the API key, and the limits of requests."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class FlickrConfig:
    api_url: str
    feed_url: str
    image_hosts: tuple[str, ...]
    api_key: str = ""
    user_agent: str = "Picha"
    deadline: float = 20.0
    """Seconds for one request, from the connection to the last byte."""
    document_max: int = 8 * 1024 * 1024
    """Bytes of a JSON document."""
    picture_max: int = 8 * 1024 * 1024
    """Bytes of a picture."""
    retry_wait: float = 2.0
    """Seconds before the second try; each further wait is twice as long."""

    def __repr__(self) -> str:
        """Leave out the API key, because representations appear in tracebacks and logs."""
        return f"FlickrConfig(api_url={self.api_url!r}, feed_url={self.feed_url!r})"

    @property
    def site(self) -> str:
        """The start of the URLs of photo pages: the host that also serves the feed."""
        feed = urlsplit(self.feed_url)
        return f"{feed.scheme}://{feed.netloc}"
