"""Where Flickr is, and how much of its time we take."""

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
    picture_max: int = 8 * 1024 * 1024
    retry_wait: float = 2.0
    """Seconds before the second try; doubled for each further one."""

    def __repr__(self) -> str:
        """Without the key, since representations end in tracebacks and logs."""
        return f"FlickrConfig(api_url={self.api_url!r}, feed_url={self.feed_url!r})"

    @property
    def site(self) -> str:
        """Where the photos' pages are: the feed is served by the same host."""
        feed = urlsplit(self.feed_url)
        return f"{feed.scheme}://{feed.netloc}"
