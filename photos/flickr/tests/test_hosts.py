import pytest

from photos.flickr.errors import PictureRefusedError
from photos.flickr.hosts import ImageHosts, current_url

HOSTS = ImageHosts(("live.staticflickr.com", "127.0.0.1:8003", "[::1]:8003", "sandbox:8003"))


@pytest.mark.parametrize(
    "url",
    [
        "https://live.staticflickr.com/1/1_a.jpg",
        "https://LIVE.staticflickr.com/1/1_a.jpg",
        "https://live.staticflickr.com:443/1/1_a.jpg",
        "http://127.0.0.1:8003/1/1_a.jpg",
        "http://[::1]:8003/1/1_a.jpg",
        "http://sandbox:8003/1/1_a.jpg",
    ],
)
def test_listed_hosts_are_allowed(url: str) -> None:
    HOSTS.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://live.staticflickr.com/1/1_a.jpg",
        "https://live.staticflickr.com:8443/1/1_a.jpg",
        "https://live.staticflickr.com.example.com/1.jpg",
        "https://example.com/live.staticflickr.com",
        "https://live.staticflickr.com@example.com/1.jpg",
        "https://user@live.staticflickr.com/1.jpg",
        "https://example.com#live.staticflickr.com",
        "http://127.0.0.1/1.jpg",
        "http://127.0.0.1:6379/1.jpg",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "ftp://127.0.0.1:8003/1.jpg",
        "//live.staticflickr.com/1.jpg",
        "http://[",
        "",
        "https://live.staticflickr.com:99999/1.jpg",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(PictureRefusedError):
        HOSTS.check(url)


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3", "::1", "fe80::1%eth0", "169.254.1.1"])
def test_a_public_host_with_a_private_ip_address_is_refused(peer: str) -> None:
    with pytest.raises(PictureRefusedError):
        HOSTS.check_peer("https://live.staticflickr.com/1.jpg", (peer, 443))


@pytest.mark.parametrize(
    ("url", "peer"),
    [
        ("https://live.staticflickr.com/1.jpg", ("52.84.1.1", 443)),
        ("http://127.0.0.1:8003/1.jpg", ("127.0.0.1", 8003)),
        ("http://sandbox:8003/1.jpg", ("172.18.0.4", 8003)),
        ("https://live.staticflickr.com/1.jpg", None),
    ],
)
def test_other_peers_are_allowed(url: str, peer: tuple[str, int] | None) -> None:
    HOSTS.check_peer(url, peer)


@pytest.mark.parametrize(
    ("old_url", "url"),
    [
        ("http://farm9.staticflickr.com/1/2_a.jpg", "https://live.staticflickr.com/1/2_a.jpg"),
        ("https://notstaticflickr.com/1/2_a.jpg", "https://notstaticflickr.com/1/2_a.jpg"),
        ("http://[", "http://["),
    ],
)
def test_old_hosts_are_replaced(old_url: str, url: str) -> None:
    assert current_url(old_url) == url
