import pytest
from django.db import DataError, transaction

from realtime.jobs import lease
from realtime.models import Job, JobItem
from realtime.progress.progress import MESSAGE_MAX, Progress
from realtime.states import ItemState
from realtime.tests.support.claimed_progress import claimed_progress

pytestmark = pytest.mark.django_db


def test_fraction_and_total_are_unknown_at_first() -> None:
    fields = claimed_progress().fields()
    assert fields["fraction"] is None
    assert fields["total"] is None
    assert fields["phase"] == ""


def test_a_count_past_its_total_grows_the_total() -> None:
    progress = claimed_progress()
    with progress.phase("Saving", total=2):
        progress.advance(5)
        fields = progress.fields()
    assert (fields["done"], fields["total"], fields["fraction"]) == (5, 5, 1.0)


def test_progress_goes_forward_only() -> None:
    with pytest.raises(ValueError, match="forward only"):
        claimed_progress().advance(-1)


@pytest.mark.parametrize("length", [MESSAGE_MAX - 1, MESSAGE_MAX, MESSAGE_MAX + 1])
def test_a_message_is_cut_at_its_limit(length: int) -> None:
    progress = claimed_progress()
    progress.message = "é" * length
    assert len(progress.fields()["message"]) == min(length, MESSAGE_MAX)


def test_an_item_is_replaced_by_the_next_one_with_its_key() -> None:
    progress = claimed_progress()
    progress.settle("1", "sending", state=ItemState.STARTED)
    progress.settle("1", "sent", label="Ada")
    item = JobItem.objects.get()
    assert (item.outcome, item.state, item.label) == ("sent", ItemState.DONE, "Ada")


def test_an_effect_is_begun_once() -> None:
    progress = claimed_progress()
    assert progress.begin("ada", "sending")
    progress.settle("ada", "sent")
    assert not progress.begin("ada", "sending")


def test_an_effect_that_failed_may_be_begun_again() -> None:
    progress = claimed_progress()
    progress.begin("ada", "sending")
    progress.settle("ada", "failed", state=ItemState.FAILED)
    assert progress.begin("ada", "sending")


def test_a_later_attempt_knows_the_items_that_are_done() -> None:
    first = claimed_progress()
    first.settle("ada", "sent")
    Job.objects.update(state="retrying", due_at=None)
    claimed = lease.claim(first.job.pk, worker="w")
    assert claimed
    second = Progress(claimed)
    assert second.keys() == {"ada"}
    assert not second.begin("ada", "sending")
    assert second.fields()["counts"] == {"sent": 1}


def test_an_effect_that_a_lost_attempt_began_becomes_unknown_and_is_not_repeated() -> None:
    first = claimed_progress()
    first.begin("ada", "sending")
    Job.objects.update(state="retrying", due_at=None)
    claimed = lease.claim(first.job.pk, worker="w")
    assert claimed
    second = Progress(claimed)
    assert not second.begin("ada", "sending")
    assert JobItem.objects.get().state == ItemState.UNKNOWN
    assert second.keys(ItemState.UNKNOWN) == {"ada"}


def test_the_bar_of_a_second_attempt_does_not_go_back() -> None:
    progress = claimed_progress(fraction=0.6)
    with progress.phase("Saving", total=10):
        progress.advance()
        assert progress.fields()["fraction"] == 0.6


def test_skipped_units_count_but_do_not_change_the_rate() -> None:
    now = 0.0
    progress = claimed_progress(clock=lambda: now)
    with progress.phase("Reading", weight=1), progress.phase("Saving", weight=1, total=100):
        progress.skip(80)
        for second in range(1, 11):
            now = float(second)
            progress.advance()
            fields = progress.fields()
    assert (fields["done"], fields["total"]) == (90, 100)
    assert fields["rate"] == pytest.approx(1)
    with progress.phase("Tidying", total=10):
        assert progress.fields()["rate"] is None
        now += 1
        progress.advance()
        assert progress.fields()["rate"] == pytest.approx(1)


def test_the_eta_ignores_skipped_units() -> None:
    now = 0.0
    progress = claimed_progress(clock=lambda: now)
    progress.plan(("Saving", 1))
    with progress.phase("Saving", total=100):
        progress.skip(80)
        for second in range(1, 11):
            now = float(second)
            progress.advance()
            fields = progress.fields()
    assert fields["eta"] == pytest.approx(10)


def test_skipping_goes_forward_only() -> None:
    with pytest.raises(ValueError, match="forward only"):
        claimed_progress().skip(-1)


@pytest.mark.django_db(transaction=True)
def test_begin_and_settle_are_refused_in_a_transaction() -> None:
    progress = claimed_progress()
    progress.settle("1", "sent")
    for call in (progress.begin, progress.settle):
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            call("2", "sent")
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            progress.settle("1", "lost", state=ItemState.FAILED)
    assert progress.keys() == {"1"}
    assert progress.counts() == {"sent": 1}
    assert progress.save()
    assert dict(progress.job.items.values_list("key", "outcome")) == {"1": "sent"}


def test_every_call_converts_its_key_to_text() -> None:
    progress = claimed_progress()
    assert progress.begin(5, "sending")  # type: ignore[arg-type]
    progress.settle("5", "sent")
    assert not progress.begin(5, "sending")  # type: ignore[arg-type]
    assert not progress.begin("5", "sending")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", [ItemState.PENDING, None])
def test_a_claim_that_cannot_be_saved_is_undone(
    monkeypatch: pytest.MonkeyPatch, before: ItemState | None
) -> None:
    progress = claimed_progress()
    if before:
        progress.settle("1", "waiting", state=before)
    with monkeypatch.context() as broken:
        broken.setattr(progress.row, "save_items", lambda: raise_(DataError("no")))
        with pytest.raises(DataError):
            progress.begin("1", "sending")
    assert progress.counts() == ({"waiting": 1} if before else {})
    assert progress.save()
    assert list(progress.job.items.values_list("state", flat=True)) == ([before] if before else [])
    assert progress.begin("1", "sending"), "the effect has not happened"


def raise_(error: Exception) -> None:
    raise error


def test_a_task_that_is_called_directly_may_claim_items() -> None:
    progress = Progress(Job(task="t", title="T"))
    assert progress.begin("1", "sending")
    progress.settle("1", "sent")
    assert progress.counts() == {"sent": 1}
