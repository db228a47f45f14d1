import pytest

from realtime.tests.support.browser_page import FakeSite

pytestmark = pytest.mark.browser


def test_only_addresses_of_the_web_are_accepted(page_of_modules: FakeSite) -> None:
    accepted = ["/photos/?page=2", "https://www.flickr.com/photos/1", ""]
    refused = ["javascript:alert(1)", "data:text/html,hello", "http://["]
    addresses = page_of_modules.module(
        "shared/dom", "a.map((text) => m.webAddress(text))", accepted + refused
    )
    assert addresses == [*accepted, "", "", ""]
