from collections.abc import Callable

import pytest
from django.db import DataError, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from realtime.errors import Cancelled, LeaseLost
from realtime.jobs import lease
from realtime.models import Job, JobItem
from realtime.progress.ledger import DETAIL_MAX, IMAGE_MAX, KEY_MAX, LABEL_MAX, OUTCOME_MAX
from realtime.progress.phases import NAME_MAX
from realtime.progress.progress import FIELDS, MESSAGE_MAX, STOP_AGAIN, UNIT_MAX, Progress
from realtime.states import ItemState

pytestmark = pytest.mark.django_db


def begun(**fields: object) -> Progress:
    job = Job.objects.create(task="t", title="T", **fields)
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    return Progress(claimed)


def test_nothing_is_known_at_first() -> None:
    look = begun().look()
    assert look["fraction"] is None
    assert look["total"] is None
    assert look["phase"] == ""


def test_a_count_past_its_total_grows_the_total() -> None:
    progress = begun()
    with progress.phase("Saving", total=2):
        progress.advance(5)
        look = progress.look()
    assert (look["done"], look["total"], look["fraction"]) == (5, 5, 1.0)


def test_progress_goes_forward_only() -> None:
    with pytest.raises(ValueError, match="forward only"):
        begun().advance(-1)


@pytest.mark.parametrize("length", [MESSAGE_MAX - 1, MESSAGE_MAX, MESSAGE_MAX + 1])
def test_a_message_is_cut_at_its_limit(length: int) -> None:
    progress = begun()
    progress.message = "é" * length
    assert len(progress.look()["message"]) == min(length, MESSAGE_MAX)


def test_items_are_counted_by_their_last_outcome() -> None:
    progress = begun()
    progress.item("1", "new")
    progress.item("2", "failed", state=ItemState.FAILED, detail="No picture.")
    progress.item("2", "new")
    assert progress.look()["counts"] == {"new": 2}


@pytest.mark.parametrize(("number", "shown"), [(1, 1), (2, 2), (3, 2)])
def test_the_newest_items_are_shown_newest_first(
    number: int, shown: int, settings: Settings
) -> None:
    settings.REALTIME_ITEMS_SHOWN = 2
    progress = begun()
    for key in range(number):
        progress.item(str(key), "new")
    recent = [item[0] for item in progress.look()["recent"]]
    assert recent == [str(key) for key in range(number)][-shown:][::-1]


def test_items_are_saved_once(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    progress = begun()
    progress.item("1", "new", label="A hill")
    with django_capture_on_commit_callbacks(execute=True):
        assert progress.persist()
    JobItem.objects.all().delete()
    assert progress.persist()
    assert not JobItem.objects.exists()


def test_an_entry_is_replaced_by_the_next_of_its_key() -> None:
    progress = begun()
    progress.settle("1", "sending", state=ItemState.STARTED)
    progress.settle("1", "sent", label="Ada")
    item = JobItem.objects.get()
    assert (item.outcome, item.state, item.label) == ("sent", ItemState.DONE, "Ada")


def test_progress_is_saved_with_a_heartbeat() -> None:
    progress = begun()
    Job.objects.update(heartbeat_at=None)
    with progress.phase("Saving", total=4):
        progress.advance()
        progress.persist()
    job = Job.objects.get()
    assert (job.phase, job.done, job.total, job.fraction) == ("Saving", 1, 4, 0.25)
    assert job.heartbeat_at is not None


def test_a_zombie_saves_nothing() -> None:
    zombie = begun()
    Job.objects.update(attempt=2)
    zombie.item("1", "new")
    assert not zombie.persist()
    assert not JobItem.objects.exists()
    with pytest.raises(LeaseLost):
        zombie.settle("2", "new")


def test_an_effect_is_begun_once() -> None:
    progress = begun()
    assert progress.begin("ada", "sending")
    progress.settle("ada", "sent")
    assert not progress.begin("ada", "sending")


def test_an_effect_that_failed_may_be_begun_again() -> None:
    progress = begun()
    progress.begin("ada", "sending")
    progress.settle("ada", "failed", state=ItemState.FAILED)
    assert progress.begin("ada", "sending")


def test_a_later_attempt_knows_what_is_done() -> None:
    first = begun()
    first.settle("ada", "sent")
    Job.objects.update(state="retrying", due_at=None)
    claimed = lease.claim(first.job.pk, worker="w")
    assert claimed
    second = Progress(claimed)
    assert second.keys() == {"ada"}
    assert not second.begin("ada", "sending")
    assert second.look()["counts"] == {"sent": 1}


def test_an_effect_that_a_lost_attempt_began_is_unknown_and_not_repeated() -> None:
    first = begun()
    first.begin("ada", "sending")
    Job.objects.update(state="retrying", due_at=None)
    claimed = lease.claim(first.job.pk, worker="w")
    assert claimed
    second = Progress(claimed)
    assert not second.begin("ada", "sending")
    assert JobItem.objects.get().state == ItemState.UNKNOWN
    assert second.keys(ItemState.UNKNOWN) == {"ada"}


@pytest.mark.parametrize("call", ["advance", "item", "phase", "check", "begin"])
def test_a_stopped_job_stops_at_its_next_call(call: str) -> None:
    progress = begun()
    progress.stop(Cancelled())
    calls: dict[str, Callable[[], object]] = {
        "advance": progress.advance,
        "item": lambda: progress.item("1", "new"),
        "phase": lambda: progress.phase("Next").__enter__(),
        "check": progress.check,
        "begin": lambda: progress.begin("1", "sending"),
    }
    with pytest.raises(Cancelled):
        calls[call]()


def test_the_bar_of_a_second_attempt_does_not_go_back() -> None:
    progress = begun(fraction=0.6)
    with progress.phase("Saving", total=10):
        progress.advance()
        assert progress.look()["fraction"] == 0.6


def test_what_is_skipped_counts_but_has_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("realtime.progress.progress.monotonic", lambda: now)
    progress = begun()
    with progress.phase("Reading", weight=1), progress.phase("Saving", weight=1, total=100):
        progress.skip(80)
        for second in range(1, 11):
            now = float(second)
            progress.advance()
            look = progress.look()
    assert (look["done"], look["total"]) == (90, 100)
    assert look["rate"] == pytest.approx(1)
    with progress.phase("Tidying", total=10):
        assert progress.look()["rate"] is None
        now += 1
        progress.advance()
        assert progress.look()["rate"] == pytest.approx(1)


def test_an_eta_is_of_what_costs_something(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("realtime.progress.progress.monotonic", lambda: now)
    progress = begun()
    progress.plan(("Saving", 1))
    with progress.phase("Saving", total=100):
        progress.skip(80)
        for second in range(1, 11):
            now = float(second)
            progress.advance()
            look = progress.look()
    assert look["eta"] == pytest.approx(10)


def test_skipping_goes_forward_only() -> None:
    with pytest.raises(ValueError, match="forward only"):
        begun().skip(-1)


def test_items_that_failed_are_counted_as_long_as_they_have() -> None:
    progress = begun()
    progress.item("1", "gone", state=ItemState.FAILED)
    progress.item("2", "late", state=ItemState.FAILED)
    assert progress.look()["failed"] == 2
    progress.item("2", "new")
    assert progress.look()["failed"] == 1
    assert progress.counts() == {"gone": 1, "new": 1}


# What the end of a run has still to write


def test_progress_fields_are_what_is_looked_at() -> None:
    assert set(begun().look()) == set(FIELDS)


def test_a_task_that_said_nothing_has_nothing_to_write() -> None:
    progress = begun(phases=[["Reading", "waiting"]])
    assert Progress(progress.job, phases=[("Reading", 1)]).unwritten() == {}


def test_what_an_earlier_attempt_said_is_written_over() -> None:
    assert begun(done=5, unit="photo").unwritten()["done"] == 0


@pytest.mark.django_db(transaction=True)
def test_what_is_written_once_is_not_written_again() -> None:
    progress = begun()
    progress.message = "One"
    assert progress.unwritten()["message"] == "One"
    progress.persist()
    assert progress.unwritten() == {}
    progress.message = "Two"
    assert progress.unwritten()["message"] == "Two"


@pytest.mark.django_db(transaction=True)
@pytest.mark.django_db(transaction=True)
def test_nothing_is_claimed_or_settled_that_a_transaction_could_take_back() -> None:
    progress = begun()
    progress.settle("1", "sent")
    for call in (progress.begin, progress.settle):
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            call("2", "sent")
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            progress.settle("1", "lost", state=ItemState.FAILED)
    assert progress.keys() == {"1"}
    assert progress.counts() == {"sent": 1}
    assert progress.persist()
    assert dict(progress.job.items.values_list("key", "outcome")) == {"1": "sent"}


@pytest.mark.django_db(transaction=True)
def test_what_could_not_be_written_is_not_taken_for_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    progress = begun()
    progress.item("1", "new")
    progress.message = "One"
    monkeypatch.setattr(progress, "save_items", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        progress.persist()
    assert progress.unwritten()["message"] == "One"


def test_every_limit_is_a_columns() -> None:
    of_items = {"key": KEY_MAX, "image": IMAGE_MAX, "label": LABEL_MAX}
    of_items |= {"detail": DETAIL_MAX, "outcome": OUTCOME_MAX}
    of_jobs = {"phase": NAME_MAX, "unit": UNIT_MAX, "message": MESSAGE_MAX}
    for model, limits in ((JobItem, of_items), (Job, of_jobs)):
        sizes = {field.name: field.max_length for field in model._meta.fields}
        assert sizes | limits == sizes


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_what_names_something_is_refused_beyond_its_limit(more: int) -> None:
    progress = begun()
    calls: list[Callable[[], object]] = [
        lambda: progress.item("k" * (KEY_MAX + more), "new"),
        lambda: progress.begin("k" * (KEY_MAX + more), "new"),
        lambda: progress.settle("k" * (KEY_MAX + more), "new"),
        lambda: progress.item("1", "new", image="i" * (IMAGE_MAX + more)),
        lambda: progress.phase("p" * (NAME_MAX + more)).__enter__(),
    ]
    for call in calls:
        if more > 0:
            with pytest.raises(ValueError, match="up to"):
                call()
        else:
            call()
    assert progress.persist()


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_what_is_only_read_is_cut_at_its_limit(more: int) -> None:
    progress = begun()
    progress.unit = "u" * (UNIT_MAX + more)
    label, detail = "l" * (LABEL_MAX + more), "d" * (DETAIL_MAX + more)
    progress.settle("1", "o" * (OUTCOME_MAX + more), label=label, detail=detail)
    item = progress.job.items.get()
    progress.job.refresh_from_db()
    shown = [progress.job.unit, item.outcome, item.label, item.detail]
    most = [UNIT_MAX, OUTCOME_MAX, LABEL_MAX, DETAIL_MAX]
    assert [len(text) for text in shown] == [each + min(more, 0) for each in most]


@pytest.mark.parametrize("bad", ["\0", "caf\udce9"])
def test_text_that_cannot_be_stored_is_replaced_or_refused(bad: str) -> None:
    progress = begun()
    progress.message = progress.unit = bad
    progress.settle("1", bad, label=bad, detail=bad)
    assert all("\ufffd" in text for text in progress.job.items.values_list("label", "detail")[0])
    assert list(progress.counts()) == [bad.replace(bad[-1], "\ufffd")]
    calls: list[Callable[[], object]] = [
        lambda: progress.item(bad, "new"),
        lambda: progress.begin(bad, "new"),
        lambda: progress.settle(bad, "new"),
        lambda: progress.phase(bad).__enter__(),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="up to"):
            call()


def test_a_key_is_a_text_in_every_call() -> None:
    progress = begun()
    assert progress.begin(5, "sending")  # type: ignore[arg-type]
    progress.settle("5", "sent")
    assert not progress.begin(5, "sending")  # type: ignore[arg-type]
    assert not progress.begin("5", "sending")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", [ItemState.PENDING, None])
def test_a_claim_that_could_not_be_saved_was_not_made(
    monkeypatch: pytest.MonkeyPatch, before: ItemState | None
) -> None:
    progress = begun()
    if before:
        progress.settle("1", "waiting", state=before)
    with monkeypatch.context() as broken:
        broken.setattr(Progress, "save_items", lambda self: raise_(DataError("no")))
        with pytest.raises(DataError):
            progress.begin("1", "sending")
    assert progress.counts() == ({"waiting": 1} if before else {})
    assert progress.persist()
    assert list(progress.job.items.values_list("state", flat=True)) == ([before] if before else [])
    assert progress.begin("1", "sending"), "the effect has not happened"


def raise_(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(("since", "times"), [(0, 1), (STOP_AGAIN - 1, 1), (STOP_AGAIN + 1, 2)])
def test_a_body_that_is_stopped_has_time_to_tidy_up(
    monkeypatch: pytest.MonkeyPatch, since: float, times: int
) -> None:
    progress, now, stopped = begun(), 1000.0, []
    progress.on_stop(lambda: stopped.append(now))
    monkeypatch.setattr("realtime.progress.progress.monotonic", lambda: now)
    progress.stop(Cancelled())
    now += since
    progress.stop(Cancelled())
    assert len(stopped) == times
    with pytest.raises(Cancelled):
        progress.check()


def test_a_task_that_is_called_directly_may_claim_items() -> None:
    progress = Progress(Job(task="t", title="T"))
    assert progress.begin("1", "sending")
    progress.settle("1", "sent")
    assert progress.counts() == {"sent": 1}
