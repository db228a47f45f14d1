import inspect

import pytest

from realtime.snapshots import words
from realtime.snapshots.schema import Snapshot
from realtime.states import ItemState, JobState
from realtime.tests.support.word_cases import NOW, RUN_AGAIN, STATES, WORDS, snapshot


@pytest.mark.parametrize(("function", "shown", "text"), WORDS)
def test_each_function_returns_the_text_of_the_case(
    function: str, shown: Snapshot, text: str
) -> None:
    describe = getattr(words, function)
    needs_now = "now" in inspect.signature(describe).parameters
    assert (describe(shown, NOW) if needs_now else describe(shown)) == text


@pytest.mark.parametrize("state", JobState)
def test_every_state_has_a_label_and_a_sentence(state: JobState) -> None:
    assert words.state_label(state)
    assert words.sentence(STATES[state], NOW)


@pytest.mark.parametrize("state", ItemState)
def test_every_state_of_an_item_has_a_label(state: ItemState) -> None:
    assert words.item_label(state)


def test_outcome_counts_are_the_counts_and_the_numbers_of_the_result() -> None:
    shown = snapshot(
        counts={"new": 2, "failed": 0}, result={"new": 9, "bytes_read": 40, "ok": True}
    )
    assert words.outcome_counts(shown) == {"new": 2, "bytes read": 40}


def test_a_result_need_not_be_a_dict() -> None:
    assert words.outcome_counts(snapshot(counts={"new": 2}, result=[1, 2])) == {"new": 2}


@pytest.mark.parametrize(("shown", "resumes", "can", "text"), RUN_AGAIN)
def test_what_can_be_run_again(shown: Snapshot, resumes: bool, can: bool, text: str) -> None:
    assert words.can_run_again(shown, resumes=resumes) is can
    if can:
        assert words.run_again_label(shown, resumes=resumes) == text
