import pytest
from pytest_django import Settings

from realtime.models import JobItem
from realtime.models.addresses import checked_link, is_link, is_own_address

PATHS = ["/media/1.webp", "/p/1.webp?size=2//3", "/"]
SCRIPTS = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "\tjavascript:alert(1)",
    "data:image/svg+xml,<svg/>",
    "vbscript:x",
    "blob:x",
    "1.webp",
]
FOREIGN = ["//evil.example/1.png", "/\\evil.example", "/\t/evil.example", "\\\\evil.example"]
OTHER_SITES = ["https://evil.example/1.png", "http://evil.example"]


@pytest.mark.parametrize("address", PATHS)
def test_a_path_of_the_site_is_shown_and_linked(address: str) -> None:
    assert is_own_address(address)
    assert checked_link(address) == address
    assert JobItem(image=address).shown_image == address


@pytest.mark.parametrize("address", [*SCRIPTS, *FOREIGN])
def test_any_other_address_is_neither_shown_nor_linked(address: str) -> None:
    assert not is_own_address(address)
    assert not is_link(address)
    assert JobItem(image=address).shown_image == ""
    with pytest.raises(ValueError, match="must begin with /"):
        checked_link(address)


@pytest.mark.parametrize("address", OTHER_SITES)
def test_another_site_is_linked_but_shows_no_picture(address: str) -> None:
    assert checked_link(address) == address
    assert not is_own_address(address)


@pytest.mark.parametrize("address", ["https://evil.example/\n", "https:\\\\evil.example"])
def test_a_link_has_no_control_characters(address: str) -> None:
    assert not is_link(address)


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        ("https://cdn.example/media/1.webp", True),
        ("https://cdn.example/static/1.webp", True),
        ("https://cdn.example/other/1.webp", False),
        ("https://cdn.example.evil/media/1.webp", False),
    ],
)
def test_the_files_of_the_site_may_be_on_another_host(
    settings: Settings, address: str, *, is_own: bool
) -> None:
    settings.MEDIA_URL, settings.STATIC_URL = (
        "https://cdn.example/media/",
        "https://cdn.example/static/",
    )
    assert is_own_address(address) == is_own


def test_no_link_is_allowed() -> None:
    assert checked_link("") == ""
