from dataclasses import dataclass

import pytest

from realtime.tests.support.browser_page import FakeSite

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Pair:
    new: tuple[int, int]
    shown: tuple[int, int]
    is_older: bool


PAIRS = [
    Pair(new=(2, 5), shown=(2, 4), is_older=False),
    Pair(new=(2, 5), shown=(2, 5), is_older=False),
    Pair(new=(2, 4), shown=(2, 5), is_older=True),
    Pair(new=(3, 0), shown=(2, 900), is_older=False),
    Pair(new=(1, 900), shown=(2, 0), is_older=True),
]


def test_a_snapshot_is_older_by_revision_and_then_by_tick(page_of_modules: FakeSite) -> None:
    cases = [
        [dict(zip(("revision", "tick"), at, strict=True)) for at in (p.new, p.shown)] for p in PAIRS
    ]
    results = page_of_modules.module(
        "link/snapshot-order", "a.map((pair) => m.isOlder(...pair))", cases
    )
    assert results == [pair.is_older for pair in PAIRS]


def test_the_first_snapshot_is_never_older(page_of_modules: FakeSite) -> None:
    first = {"revision": 0, "tick": 0}
    assert page_of_modules.module("link/snapshot-order", "m.isOlder(a, null)", first) is False
