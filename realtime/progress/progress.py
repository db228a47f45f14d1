"""Progress: what the author of a task calls to report progress.

The calls only change memory. The bus reads it ten times a second from its own thread, sends it to
viewers, and saves it every two seconds. Only `begin` and `settle` write to the database before they
return: `begin` claims an effect that must not happen twice, and `settle` records its outcome.
"""

import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from time import monotonic
from typing import Any, BinaryIO, Final, TypeVar

from asgiref.sync import sync_to_async

from realtime.bounds import largest_counts, nearest_phases
from realtime.conf import conf
from realtime.errors import LeaseLost, Stopped
from realtime.files.attachment import Attachment
from realtime.models import Job
from realtime.progress.estimate import Estimate
from realtime.progress.ledger import Entry, Ledger, checked_key
from realtime.progress.phases import Phases
from realtime.progress.row import ProgressRow
from realtime.progress.stop import StopSignal
from realtime.progress.tracked import Tracked
from realtime.progress.values import as_count, as_text, as_total, checked_done
from realtime.serialization import clean_text
from realtime.states import ItemState

MESSAGE_MAX: Final = 500
UNIT_MAX: Final = 50

T = TypeVar("T")


class Progress:
    """The progress of one attempt of one job; a task has it as `self.progress`.

    `done` and `total` count the current phase's units. `total` is None while it is unknown, and
    grows when `done` exceeds it. Both may be any number and are shown rounded; a total that is NaN,
    infinite or negative is unknown. `message` is a sentence for people, cut at 500 characters.
    A value of a wrong type raises where it is assigned. Every call raises
    `realtime.errors.Stopped` once the job is cancelled or another run has taken it over: do not
    catch it.
    """

    def __init__(
        self,
        job: Job,
        *,
        phases: Iterable[tuple[str, float]] = (),
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.job = job
        self._done = 0
        self._total: int | None = None
        self._unit = ""
        self._message = ""
        self.attachment = Attachment(job)
        self._skipped = 0
        self._lock = threading.Lock()
        self.ledger = Ledger(job)
        self.row = ProgressRow(job, ledger=self.ledger, ledger_lock=self._lock)
        self._clock = clock
        self._phases = Phases(phases)
        self._estimate = Estimate(at=clock(), floor=job.fraction)
        self._stop_signal = StopSignal(clock=clock)

    @property
    def done(self) -> int:
        return self._done

    @done.setter
    def done(self, units: int) -> None:
        self._done = checked_done(units)

    @property
    def total(self) -> int | None:
        return self._total

    @total.setter
    def total(self, units: float | None) -> None:
        self._total = as_total(units)

    @property
    def unit(self) -> str:
        return self._unit

    @unit.setter
    def unit(self, text: str) -> None:
        self._unit = as_text(text)

    @property
    def message(self) -> str:
        return self._message

    @message.setter
    def message(self, text: str) -> None:
        self._message = as_text(text)

    def plan(self, *phases: tuple[str, float]) -> None:
        """Name the phases to come and their weights, so that the page lists them.

        Without a plan the bar knows only the phases begun so far: as it never moves backwards, it
        stays where it is until a later phase has caught up. A task that declares
        `phases=(("Reading", 1), ("Saving", 9))` shows them even while its job is queued.
        """
        self._phases.plan(phases)

    @contextmanager
    def phase(
        self, name: str, *, weight: float = 1, total: float | None = None, unit: str = ""
    ) -> Iterator[None]:
        """Within the block the job is in the phase `name`, which counts `unit`s up to `total`.

        `weight` is the phase's share of the whole bar, in proportion to the others'; for a
        planned phase the plan's weight holds.

        Raises:
            ValueError: `name` has more than 100 characters, or `weight` is not above 0.
        """
        self.check()
        phase = self._phases.named(name, weight)
        # First: the bus may read at any moment, and the last phase's count is not this one's.
        self.done, self.total, self.unit, self._skipped = 0, total, unit, 0
        self._phases.begin(phase)
        self._estimate.restart_count(self._clock())
        yield
        phase.state = "done"
        phase.free = _share(as_count(self._skipped), self._total) or 0.0

    def track(
        self,
        source: Iterable[T] | AsyncIterable[T],
        *,
        phase: str = "",
        weight: float = 1,
        total: float | None = None,
        unit: str = "",
    ) -> Tracked[T]:
        """Iterate over `source` (`for` or `async for`), counting each item after its turn.

        `total` is the source's length if it has one. With `phase`, the loop is that phase.
        """
        total = len(source) if total is None and isinstance(source, Sized) else as_total(total)
        within: Callable[[], AbstractContextManager[None]]
        if phase:
            within = partial(self.phase, phase, weight=weight, total=total, unit=unit)
        else:
            within = partial(self._counting, total=total, unit=unit)
        return Tracked(source, within=within, advance=self.advance)

    @contextmanager
    def _counting(self, *, total: float | None, unit: str) -> Iterator[None]:
        self.total, self.unit = total, unit
        yield

    def advance(self, units: int = 1) -> None:
        """`units` more of the current phase are done."""
        if self._stop_signal.reason is not None:
            raise self._stop_signal.reason
        if not units >= 0:  # NaN is not.
            raise ValueError(f"Progress goes forward only, not by {units}.")
        self._done += units

    def skip(self, units: int = 1) -> None:
        """`units` more are done that took no time, because an earlier run has done them.

        They count, but rate and ETA ignore them. Skip units before you do the others if you can:
        the ETA is then right for those that remain.
        """
        with self._lock:
            self.advance(units)
            self._skipped += units

    def item(
        self,
        key: str,
        outcome: str,
        *,
        state: ItemState = ItemState.DONE,
        label: str = "",
        detail: str = "",
        image: str = "",
    ) -> None:
        """Record the outcome of the item `key`; a later entry replaces an earlier one of its key.

        `outcome` is a word that the task chooses ("new", "sent"); the page counts items by it.
        `image` is the address of a picture of this site.

        Raises:
            ValueError: `key` has more than 200 characters, or `image` more than 500, or one of
                them cannot be stored, or `image` is an address of another site. Other texts are
                cut.
        """
        if self._stop_signal.reason is not None:
            raise self._stop_signal.reason
        self.ledger.add(checked_key(key, image=image), outcome, state, label, detail, image)

    def begin(self, key: str, outcome: str, *, label: str = "", detail: str = "") -> bool:
        """Claim the item `key` before an effect that must not happen twice.

        Returns False when the effect has happened or may have happened: an item that an earlier
        attempt began and did not settle becomes `unknown`. The claim is saved before this
        returns; if it cannot be saved, the item does not change.

        Raises:
            LeaseLost: the job is no longer this run's.
            RuntimeError: the caller is in a transaction, whose rollback would undo the claim.
            ValueError: see `item`.
        """
        self.check()
        key = checked_key(key)
        with self._lock:
            entry = self.ledger.entry(key)
        before = entry.state if entry else None
        if before == ItemState.STARTED:
            self.settle(key, "unknown", state=ItemState.UNKNOWN, label=label)
        if before in (ItemState.STARTED, ItemState.DONE, ItemState.UNKNOWN):
            return False
        self.ledger.add(key, outcome, ItemState.STARTED, label, detail, "")
        self._save_or_restore(key, entry, on=Exception)
        return True

    def settle(
        self,
        key: str,
        outcome: str,
        *,
        state: ItemState = ItemState.DONE,
        label: str = "",
        detail: str = "",
    ) -> None:
        """Like `item`, but saved before this returns.

        Raises:
            LeaseLost: the job is no longer this run's; nothing was saved.
            RuntimeError: the caller is in a transaction; nothing was saved.
            ValueError: see `item`.
        """
        key = checked_key(key)
        with self._lock:
            before = self.ledger.entry(key)
        self.ledger.add(key, outcome, state, label, detail, "")
        self._save_or_restore(key, before, on=RuntimeError)

    def _save_or_restore(self, key: str, before: Entry | None, *, on: type[Exception]) -> None:
        try:
            has_lease = self.save()
        except on:
            with self._lock:
                self.ledger.restore(key, before)
            raise
        if not has_lease:
            raise LeaseLost

    async def abegin(self, key: str, outcome: str, *, label: str = "", detail: str = "") -> bool:
        return await sync_to_async(self.begin)(key, outcome, label=label, detail=detail)

    async def asettle(
        self,
        key: str,
        outcome: str,
        *,
        state: ItemState = ItemState.DONE,
        label: str = "",
        detail: str = "",
    ) -> None:
        await sync_to_async(self.settle)(key, outcome, state=state, label=label, detail=detail)

    def attach(
        self, name: str, *, content_type: str = "application/octet-stream"
    ) -> AbstractContextManager[BinaryIO]:
        """A file to write. Everybody who may watch the job can download it when it has succeeded.

            with self.progress.attach("photos.csv", content_type="text/csv") as file:
                file.write(…)

        The file is binary, supports `read` and `seek`, and is deleted with the job. A file that is
        attached later replaces it; if the block or the task fails, the job has no file. `name`
        may be any text: characters that a file name cannot have are left out.

        Raises:
            FileTooLarge: (in the block) the file is larger than `REALTIME_FILE_MAX_BYTES`.
        """
        self.check()
        return self.attachment.write(name, content_type=content_type)

    def keys(self, state: ItemState = ItemState.DONE) -> frozenset[str]:
        """The keys of the items in `state`, including those of earlier attempts."""
        with self._lock:
            return self.ledger.keys(state)

    def counts(self) -> dict[str, int]:
        """The number of items per outcome, including those of earlier attempts."""
        with self._lock:
            self.ledger.collect()
            return self.ledger.counts()

    def check(self) -> None:
        """Raise `realtime.errors.Stopped` if the job must end now."""
        self._stop_signal.check()

    def stop(self, reason: Stopped) -> None:
        """Have the next progress call raise `reason`; called from the bus's thread."""
        self._stop_signal.stop(reason)

    def on_stop(self, call: Callable[[], object]) -> None:
        """Have `stop` call `call` too, which cancels a coroutine body where it waits."""
        self._stop_signal.on_stop(call)

    def save(self) -> bool:
        """Save the current fields, the unsaved items and the heartbeat; see `ProgressRow.save`."""
        return self.row.save(self.fields)

    def fields(self) -> dict[str, Any]:
        """The current values of the job's progress fields."""
        with self._lock:
            self.ledger.collect()
            done = as_count(self._done)
            total = self._total = None if self._total is None else max(self._total, done)
            skipped = as_count(self._skipped)
            skipped_share = _share(skipped, total) or 0.0
            self._estimate.update(
                fraction=self._phases.fraction(_share(done, total)),
                done=done,
                at=self._clock(),
                free=self._phases.free(skipped_share),
                skipped=skipped,
            )
            return {
                "phase": self._phases.current,
                "phases": nearest_phases(self._phases.states(), conf.PHASES_SHOWN),
                "fraction": self._estimate.fraction,
                "done": done,
                "total": total,
                "unit": clean_text(self.unit, UNIT_MAX),
                "rate": self._estimate.rate,
                "eta": self._estimate.eta,
                "message": clean_text(self.message, MESSAGE_MAX),
                "counts": largest_counts(self.ledger.counts(), conf.OUTCOMES_SHOWN),
                "failed": self.ledger.failed,
                "recent": self.ledger.recent(),
            }


def _share(done: int, total: int | None) -> float | None:
    """The share of the current phase that is done; None when it is unknown."""
    return min(1.0, done / total) if total else None
