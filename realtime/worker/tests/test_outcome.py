from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from realtime.errors import UNEXPECTED, JobError
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.worker.outcome import CODE_MAX, NOT_JSON, TRACEBACK_MAX, stored_result
from realtime.worker.tests.run_body import Busy, async_task, run, sync_task

pytestmark = pytest.mark.django_db


def test_the_text_of_a_job_error_is_saved() -> None:
    def fail(self: JobTask) -> None:
        raise Busy("The line is busy.")

    job = run(sync_task, fail)
    assert (job.state, job.error_code, job.error) == (JobState.FAILED, "busy", "The line is busy.")


@pytest.mark.parametrize("task", [sync_task, async_task])
def test_the_text_of_any_other_error_is_only_in_the_traceback(task: JobTask) -> None:
    def fail(self: JobTask) -> None:
        raise ValueError("secret")

    async def afail(self: JobTask) -> None:
        raise ValueError("secret")

    job = run(task, fail if task is sync_task else afail)
    assert (job.state, job.error_code, job.error) == (JobState.FAILED, "ValueError", UNEXPECTED)
    assert "ValueError: secret" in job.traceback


def test_a_long_traceback_is_cut_at_its_beginning() -> None:
    def fail(self: JobTask) -> None:
        raise ValueError("x" * 2 * TRACEBACK_MAX + "the end")

    traceback = run(sync_task, fail).traceback
    assert len(traceback) == TRACEBACK_MAX
    assert traceback.rstrip().endswith("the end")


def test_items_before_an_error_are_saved() -> None:
    def fail(self: JobTask) -> None:
        self.progress.item("1", "new")
        raise Busy("The line is busy.")

    job = run(sync_task, fail)
    assert job.items.count() == 1
    assert job.counts == {"new": 1}


class BadResult:
    def __json__(self) -> None:
        raise KeyError("no JSON")

    def __str__(self) -> str:
        raise KeyError("no text")


def circular_list() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def deep_list() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("make", [object, BadResult, circular_list, deep_list])
def test_a_result_that_is_not_json_is_not_saved(make: Callable[[], Any]) -> None:
    job = run(sync_task, lambda self: make())
    assert (job.state, job.result) == (JobState.SUCCEEDED, None)


def test_a_number_that_is_too_long_is_not_saved() -> None:
    assert stored_result(10**5000) == (None, NOT_JSON)


@pytest.mark.parametrize("given", [None, 7, BadResult()])
def test_texts_of_another_type_do_not_break_the_job(given: Any) -> None:
    def say(self: JobTask) -> None:
        self.progress.message = self.progress.unit = given
        self.progress.item("1", "new", label=given, detail=given)

    job = run(sync_task, say)
    if isinstance(given, BadResult):
        assert (job.state, job.error) == (JobState.FAILED, UNEXPECTED)
        return
    text = "" if given is None else "7"
    assert (job.state, job.message, job.unit) == (JobState.SUCCEEDED, text, text)
    assert [(item.label, item.detail) for item in job.items.all()] == [(text, text)]


def test_an_error_whose_text_raises_fails_its_job() -> None:
    class NoText(JobError):
        def __str__(self) -> str:
            raise KeyError("no text")

    def fail(self: JobTask) -> None:
        raise NoText

    job = run(sync_task, fail)
    assert (job.state, job.error_code, job.error) == (JobState.FAILED, "NoText", UNEXPECTED)


@pytest.mark.parametrize("length", [CODE_MAX - 1, CODE_MAX, CODE_MAX + 1])
def test_a_long_error_code_is_cut(length: int) -> None:
    def fail(self: JobTask) -> None:
        raise type("E" * length, (Exception,), {})

    assert run(sync_task, fail).error_code == "E" * min(length, CODE_MAX)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("returned", "saved"),
    [(float("nan"), None), ([float("inf"), 1], [None, 1]), ("\0", "\ufffd"), ("\udce9", "\ufffd")],
)
def test_values_of_a_result_that_a_database_refuses_are_replaced(returned: Any, saved: Any) -> None:
    job = run(sync_task, lambda self: returned)
    assert (job.state, job.result) == (JobState.SUCCEEDED, saved)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", ["\0", "caf\udce9.txt"])
def test_characters_of_an_error_that_a_database_refuses_are_replaced(text: str) -> None:
    def fail(self: JobTask) -> None:
        raise Busy(text)

    job = run(sync_task, fail)
    assert (job.state, job.error_code) == (JobState.FAILED, "busy")
    assert "\ufffd" in job.error
    assert "\ufffd" in job.traceback


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ("returns", JobState.SUCCEEDED),
        ("raises", JobState.FAILED),
        ("retries", JobState.RETRYING),
    ],
)
def test_progress_that_a_database_refuses_does_not_change_how_a_job_ends(
    ends: str, state: JobState
) -> None:
    def count_too_far(self: JobTask) -> int:
        fields = self.progress.fields() | {"done": 2**70}
        self.progress.fields = lambda: fields  # type: ignore[method-assign]
        self.progress.item("1", "new")
        if ends == "raises":
            raise Busy("The line is busy.")
        if ends == "retries":
            raise self.retry()

        return 7

    job = run(sync_task, count_too_far)
    assert (job.state, job.done) == (state, 0)
    assert job.result == (7 if ends == "returns" else None)
    assert job.items.count() == 1
    if ends == "raises":
        assert job.error == "The line is busy."


@pytest.mark.parametrize(("size", "is_kept"), [(99, True), (100, True), (101, False)])
def test_a_result_has_a_largest_size(settings: Settings, size: int, is_kept: bool) -> None:
    settings.REALTIME_RESULT_MAX_BYTES = 100
    text = "x" * (size - len('""'))
    job = run(sync_task, lambda self: text)
    assert (job.state, job.result) == (JobState.SUCCEEDED, text if is_kept else None)
    sentence = "Done. The result is not kept: it has 101 bytes, and 100 are allowed."
    assert job.events.filter(text=sentence).exists() is not is_kept


def test_the_timeline_says_that_a_result_is_not_kept_because_it_is_no_json() -> None:
    job = run(sync_task, lambda self: object())
    assert job.events.filter(text=f"Done. {NOT_JSON}").exists()


@pytest.mark.parametrize("ends", ["raises", "retries"])
@pytest.mark.parametrize("length", [49, 50, 51])
def test_the_text_of_an_error_has_a_limit(settings: Settings, ends: str, length: int) -> None:
    settings.REALTIME_ERROR_MAX_CHARACTERS = 50
    text = "x" * length

    def fail(self: JobTask) -> None:
        raise self.retry(exc=Busy(text)) if ends == "retries" else Busy(text)

    job = run(sync_task, fail)
    assert job.error == (text if length <= 50 else "x" * 49 + "…")
    assert job.events.filter(text=job.error).exists()
