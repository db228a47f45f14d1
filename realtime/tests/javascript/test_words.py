"""The modules without an element: what they say is what the server says."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from realtime.snapshots.schema import Snapshot, encode
from realtime.snapshots.words import outcome_counts
from realtime.states import FINISHED, ItemState, JobState
from realtime.tests.support.browser_page import FakeSite
from realtime.tests.support.word_cases import NOW, NUMBERS, RUN_AGAIN, WORDS, snapshot

pytestmark = pytest.mark.browser


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def plain(shown: Snapshot) -> Any:
    return json.loads(encode(shown))


@pytest.fixture
def page_of_modules(site: FakeSite) -> FakeSite:
    site.open()
    return site


def test_numbers_and_times_are_said_as_on_the_server(page_of_modules: FakeSite) -> None:
    cases = [[camel(name), arguments] for name, arguments, _ in NUMBERS]
    said = page_of_modules.module(
        "shared/formats", "a.map(([name, list]) => m[name](...list))", cases
    )
    assert said == [text for *_, text in NUMBERS]


def test_snapshots_are_put_in_words_as_on_the_server(page_of_modules: FakeSite) -> None:
    cases = [[camel(name), plain(shown), NOW] for name, shown, _ in WORDS]
    said = page_of_modules.module(
        "shared/words", "a.map(([name, shown, at]) => m[name](shown, at))", cases
    )
    assert said == [text for *_, text in WORDS]


def test_outcome_counts_are_those_of_the_server(page_of_modules: FakeSite) -> None:
    shown = snapshot(
        counts={"new": 2, "failed": 0}, result={"new": 9, "bytes_read": 40, "ok": True}
    )
    counts = page_of_modules.module("shared/words", "m.outcomeCounts(a)", plain(shown))
    assert dict(counts) == outcome_counts(shown)


def test_what_can_be_run_again_is_said_as_on_the_server(page_of_modules: FakeSite) -> None:
    cases = [[plain(shown), resumes] for shown, resumes, *_ in RUN_AGAIN]
    can = page_of_modules.module("shared/words", "a.map((one) => m.canRunAgain(...one))", cases)
    assert can == [can for *_, can, _ in RUN_AGAIN]
    said = page_of_modules.module("shared/words", "a.map((one) => m.runAgain(...one))", cases)
    assert [text for text, can in zip(said, can, strict=True) if can] == [
        text for *_, text in RUN_AGAIN if text
    ]


@pytest.mark.parametrize(("name", "states"), [("STATES", JobState), ("ITEM_STATES", ItemState)])
def test_every_state_has_the_servers_label(
    page_of_modules: FakeSite, name: str, states: type[JobState | ItemState]
) -> None:
    labels = page_of_modules.module("shared/words", f"m.{name}")
    assert labels == {str(state): state.label for state in states}


def test_the_same_states_are_final(page_of_modules: FakeSite) -> None:
    final = page_of_modules.module(
        "shared/words", "a.filter((state) => m.isFinished(state))", list(JobState)
    )
    assert set(final) == FINISHED


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
    found = page_of_modules.module(
        "link/snapshot-order", "a.map((pair) => m.isOlder(...pair))", cases
    )
    assert found == [pair.is_older for pair in PAIRS]


def test_the_first_snapshot_is_never_older(page_of_modules: FakeSite) -> None:
    first = {"revision": 0, "tick": 0}
    assert page_of_modules.module("link/snapshot-order", "m.isOlder(a, null)", first) is False


def test_the_wait_is_anywhere_up_to_a_doubling_ceiling(page_of_modules: FakeSite) -> None:
    lots = "a.map((attempt) => [0, 0.5, 1].map((lot) => m.delay(attempt, () => lot)))"
    waits = page_of_modules.module("link/backoff", lots, [0, 1, 3, 40])
    assert waits == [[100, (100 + most) / 2, most] for most in (1_000, 2_000, 8_000, 30_000)]


def test_only_addresses_of_the_web_are_followed(page_of_modules: FakeSite) -> None:
    kept = ["/photos/?page=2", "https://www.flickr.com/photos/1", ""]
    refused = ["javascript:alert(1)", "data:text/html,hello", "http://["]
    shown = page_of_modules.module(
        "shared/dom", "a.map((text) => m.webAddress(text))", kept + refused
    )
    assert shown == [*kept, "", "", ""]
