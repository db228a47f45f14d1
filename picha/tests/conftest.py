from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from picha.tests.browsers import Guests
from picha.tests.stack import Stack
from picha.tests.users import People, create_people


@pytest.fixture(scope="session")
def people(stack: Stack) -> People:
    return create_people(stack)


@pytest.fixture
def guests(browser: Browser, stack: Stack) -> Iterator[Guests]:
    guests = Guests(browser=browser, stack=stack)
    yield guests
    guests.leave()
