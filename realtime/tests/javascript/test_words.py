"""formats.js and words.js return the same texts as the server."""

import json
from typing import Any

import pytest

from realtime.snapshots.schema import Snapshot, encode
from realtime.snapshots.words import outcome_counts
from realtime.states import FINISHED, ItemState, JobState
from realtime.tests.support.browser_page import FakeSite
from realtime.tests.support.word_cases import NOW, NUMBERS, RUN_AGAIN, WORDS, snapshot

pytestmark = pytest.mark.browser


def camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def to_json(snapshot: Snapshot) -> Any:
    return json.loads(encode(snapshot))


def test_numbers_and_times_have_the_format_of_the_server(page_of_modules: FakeSite) -> None:
    cases = [[camel_case(name), arguments] for name, arguments, _ in NUMBERS]
    texts = page_of_modules.module(
        "shared/formats", "a.map(([name, list]) => m[name](...list))", cases
    )
    assert texts == [text for *_, text in NUMBERS]


def test_the_texts_of_a_snapshot_are_those_of_the_server(page_of_modules: FakeSite) -> None:
    cases = [[camel_case(name), to_json(shown), NOW] for name, shown, _ in WORDS]
    texts = page_of_modules.module(
        "shared/words", "a.map(([name, shown, at]) => m[name](shown, at))", cases
    )
    assert texts == [text for *_, text in WORDS]


def test_the_outcome_counts_are_those_of_the_server(page_of_modules: FakeSite) -> None:
    shown = snapshot(
        counts={"new": 2, "failed": 0}, result={"new": 9, "bytes_read": 40, "ok": True}
    )
    counts = page_of_modules.module("shared/words", "m.outcomeCounts(a)", to_json(shown))
    assert dict(counts) == outcome_counts(shown)


def test_the_button_to_run_again_is_that_of_the_server(page_of_modules: FakeSite) -> None:
    cases = [[to_json(shown), resumes] for shown, resumes, *_ in RUN_AGAIN]
    can = page_of_modules.module("shared/words", "a.map((one) => m.canRunAgain(...one))", cases)
    assert can == [can for *_, can, _ in RUN_AGAIN]
    texts = page_of_modules.module("shared/words", "a.map((one) => m.runAgainLabel(...one))", cases)
    assert [text for text, can in zip(texts, can, strict=True) if can] == [
        text for *_, text in RUN_AGAIN if text
    ]


@pytest.mark.parametrize(("name", "states"), [("STATES", JobState), ("ITEM_STATES", ItemState)])
def test_every_state_has_the_label_of_the_server(
    page_of_modules: FakeSite, name: str, states: type[JobState | ItemState]
) -> None:
    labels = page_of_modules.module("shared/words", f"m.{name}")
    assert labels == {str(state): state.label for state in states}


def test_the_same_states_are_finished(page_of_modules: FakeSite) -> None:
    finished = page_of_modules.module(
        "shared/words", "a.filter((state) => m.isFinished(state))", list(JobState)
    )
    assert set(finished) == FINISHED
