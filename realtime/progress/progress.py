"""What a task's author says of a job's progress.

The calls change memory and return; the bus looks at it ten times a second from its own thread.
Only `begin` and `settle` write to the database before they return: an effect that must not
happen twice is claimed before it and recorded after it.
"""

import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from time import monotonic
from typing import Any, BinaryIO, Final, TypeVar

from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models.functions import Now

from realtime.database import retry_if_disconnected
from realtime.errors import LeaseLost, Stopped
from realtime.files.attachment import Attachment
from realtime.models import Job
from realtime.progress.estimate import Estimate
from realtime.progress.ledger import Entry, Ledger, checked_key
from realtime.progress.phases import Phases
from realtime.progress.tracked import Tracked
from realtime.serialization import clean_text
from realtime.states import ItemState

MESSAGE_MAX: Final = 500
UNIT_MAX: Final = 50
STOP_AGAIN: Final = 10.0
"""Seconds that a coroutine body has to tidy up in, until it is cancelled once more."""
FIELDS: Final = (
    *("phase", "phases", "fraction", "done", "total", "unit"),
    *("rate", "eta", "message", "counts", "failed", "recent"),
)
"""Of a job: what its progress says."""

T = TypeVar("T")


class Progress:
    """The progress of one attempt of one job; a task has it as `self.progress`.

    `done` and `total` count the current phase's units; `total` is None while nobody knows it, and
    grows when more is done than it said. `message` is a sentence for people, cut at 500
    characters. Every call raises `realtime.errors.Stopped` once the job is cancelled or another
    run has taken it over: let it pass.
    """

    def __init__(self, job: Job, *, phases: Iterable[tuple[str, float]] = ()) -> None:
        self.job = job
        self.done = 0
        self.total: int | None = None
        self.unit = ""
        self.message = ""
        self._skipped = 0
        self.ledger = Ledger(job)
        self.attachment = Attachment(job)
        self.write_lock = threading.Lock()
        self._written: dict[str, Any] | None = {name: getattr(job, name) for name in FIELDS}
        self._look_lock = threading.Lock()
        self._phases = Phases(phases)
        self._estimate = Estimate(at=monotonic(), floor=job.fraction)
        self._stop: Stopped | None = None
        self._stopped_at = -STOP_AGAIN
        self._on_stop: Callable[[], object] = lambda: None

    def plan(self, *phases: tuple[str, float]) -> None:
        """Name the phases to come and their weights, so that the page lists them.

        The bar of a job whose phases are not planned knows only those begun so far: as it never
        moves backwards, it waits at its mark until a later phase has caught up. A task that
        declares `phases=(("Reading", 1), ("Saving", 9))` shows them even while it waits.
        """
        self._phases.plan(phases)

    @contextmanager
    def phase(
        self, name: str, *, weight: float = 1, total: int | None = None, unit: str = ""
    ) -> Iterator[None]:
        """Within the block the job is in the phase `name`, which counts `unit`s up to `total`.

        `weight` is the phase's share of the whole bar, in proportion to the others'; for a
        planned phase the plan's weight holds.

        Raises:
            ValueError: `name` has more than 100 characters, or `weight` is not above 0.
        """
        self.check()
        phase = self._phases.named(name, weight)
        # First: the bus may look at any moment, and the last phase's count is not this one's.
        self.done, self.total, self.unit, self._skipped = 0, total, unit, 0
        self._phases.begin(phase)
        self._estimate.restart_count(monotonic())
        yield
        phase.state, phase.free = "done", self._free_share()

    def track(
        self,
        source: Iterable[T] | AsyncIterable[T],
        *,
        phase: str = "",
        weight: float = 1,
        total: int | None = None,
        unit: str = "",
    ) -> Tracked[T]:
        """Iterate over `source` (`for` or `async for`), counting each item once it is dealt with.

        `total` is the source's length where it has one. With `phase`, it all is a phase.
        """
        if total is None and isinstance(source, Sized):
            total = len(source)
        return Tracked(self, source, phase=phase, weight=weight, total=total, unit=unit)

    def advance(self, units: int = 1) -> None:
        """`units` more of the current phase are done."""
        if self._stop is not None:
            raise self._stop
        if units < 0:
            raise ValueError(f"Progress goes forward only, not by {units}.")
        self.done += units

    def skip(self, units: int = 1) -> None:
        """`units` more are done that cost nothing, as what an earlier run has done.

        They count, but rate and ETA are those of the others. Deal with such units first, where
        that can be had: what is left then costs what the ETA takes it to cost.
        """
        with self._look_lock:
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
        """Enter in the ledger what came of the item `key`; the last entry of a key holds.

        `outcome` is a word of the task's own ("new", "sent"), and what the page counts by;
        `image` the address of a picture of this site.

        Raises:
            ValueError: `key` has more than 200 characters, or `image` more than 500. Other texts
                are cut.
        """
        if self._stop is not None:
            raise self._stop
        self.ledger.add(checked_key(key, image=image), outcome, state, label, detail, image)

    def begin(self, key: str, outcome: str, *, label: str = "", detail: str = "") -> bool:
        """Claim the item `key` before an effect that must not happen twice.

        Returns False when the effect has happened, or may have: an item that an earlier attempt
        began and did not settle becomes `unknown`. The claim is saved before this returns; if it
        cannot be, the item is as it was.

        Raises:
            LeaseLost: the job is no longer this run's.
            RuntimeError: within a transaction, which could take the claim back.
            ValueError: see `item`.
        """
        self.check()
        key = checked_key(key)
        with self._look_lock:
            entry = self.ledger.entry(key)
        before = entry.state if entry else None
        if before == ItemState.STARTED:
            self.settle(key, "unknown", state=ItemState.UNKNOWN, label=label)
        if before in (ItemState.STARTED, ItemState.DONE, ItemState.UNKNOWN):
            return False
        self.ledger.add(key, outcome, ItemState.STARTED, label, detail, "")
        self._save_or_take_back(key, entry, on=Exception)
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
        """As `item`, and saved before this returns.

        Raises:
            LeaseLost: the job is no longer this run's; nothing was saved.
            RuntimeError: within a transaction, which could take it back; nothing was saved.
            ValueError: see `item`.
        """
        key = checked_key(key)
        with self._look_lock:
            before = self.ledger.entry(key)
        self.ledger.add(key, outcome, state, label, detail, "")
        self._save_or_take_back(key, before, on=RuntimeError)

    def _save_or_take_back(self, key: str, before: Entry | None, *, on: type[Exception]) -> None:
        try:
            held = self.persist()
        except on:
            with self._look_lock:
                self.ledger.take_back(key, before)
            raise
        if not held:
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
        """A file to write, which whoever may watch the job can download once it has succeeded.

            with self.progress.attach("photos.csv", content_type="text/csv") as file:
                file.write(…)

        It is binary, can be read and sought too, and is kept as long as the job. One that is
        attached later takes its place; if the block or the task fails, there is none. `name`
        may be any text: what a file cannot be called is left out.

        Raises:
            FileTooLarge: (in the block) it has more than `REALTIME_FILE_MAX_BYTES`.
        """
        self.check()
        return self.attachment.write(name, content_type=content_type)

    def keys(self, state: ItemState = ItemState.DONE) -> frozenset[str]:
        """The items that are in `state`, those of earlier attempts included."""
        with self._look_lock:
            return self.ledger.keys(state)

    def counts(self) -> dict[str, int]:
        """How many items came to each outcome, those of earlier attempts included."""
        with self._look_lock:
            self.ledger.collect()
            return self.ledger.counts()

    def check(self) -> None:
        """Raise `realtime.errors.Stopped` if the job must end now."""
        if self._stop is not None:
            raise self._stop

    def stop(self, why: Stopped) -> None:
        """Have the next progress call raise `why`; called from the bus's thread."""
        self._stop = why
        if monotonic() - self._stopped_at >= STOP_AGAIN:
            self._stopped_at = monotonic()
            self._on_stop()

    def on_stop(self, call: Callable[[], object]) -> None:
        """Have `stop` call this too: a coroutine body is cancelled where it waits.

        After a `stop` it is called at once.
        """
        self._on_stop = call
        if self._stop is not None:
            call()

    def look(self) -> dict[str, Any]:
        """The values of the job's progress fields at this moment."""
        with self._look_lock:
            self.ledger.collect()
            self.total = None if self.total is None else max(self.total, self.done)
            self._estimate.look(
                fraction=self._phases.fraction(self._share()),
                done=self.done,
                at=monotonic(),
                free=self._phases.free(self._free_share()),
                skipped=self._skipped,
            )
            return {
                "phase": self._phases.current,
                "phases": self._phases.states(),
                "fraction": self._estimate.fraction,
                "done": self.done,
                "total": self.total,
                "unit": clean_text(self.unit, UNIT_MAX),
                "rate": self._estimate.rate,
                "eta": self._estimate.eta,
                "message": clean_text(self.message, MESSAGE_MAX),
                "counts": self.ledger.counts(),
                "failed": self.ledger.failed,
                "recent": self.ledger.recent(),
            }

    def unwritten(self) -> dict[str, Any]:
        """What `look` says, or nothing if the job's row says so already.

        A task that says nothing of its progress has nothing to write at its end.
        """
        fields = self.look()
        return {} if fields == self._written else fields

    def persist(self) -> bool:
        """Write progress, new items and the heartbeat; False when the lease is gone.

        Raises:
            RuntimeError: within a transaction. That would hold the job's row until it ends, and
                the heartbeats would wait for it.
        """
        if self.job._state.adding:
            return True  # of a task that was called directly; there is no row
        with self.write_lock:
            self._written = None  # Who knows what an error, or a rollback, leaves written?
            fields = self.look()
            held = retry_if_disconnected(partial(self._write, fields))
            if not transaction.get_connection().in_atomic_block:  # as within a test case
                self._written = fields
        return held

    def beat(self) -> bool:
        """Write the heartbeat alone; False when the lease is gone."""
        if self.job._state.adding:
            return True
        held = Job.objects.leased(self.job)
        return bool(retry_if_disconnected(lambda: held.update(heartbeat_at=Now())))

    def _write(self, fields: dict[str, Any]) -> bool:
        with transaction.atomic(durable=True):
            held = Job.objects.leased(self.job).update(
                heartbeat_at=Now(), tick=self.job.tick, **fields
            )
            if held:
                self.save_items()
        return bool(held)

    def owes_items(self) -> bool:
        """Whether there are items that are not saved yet."""
        with self._look_lock:
            self.ledger.collect()
            return bool(self.ledger.unsaved())

    def save_items(self) -> None:
        """Write the items that are not saved yet; the caller holds `write_lock`."""
        with self._look_lock:
            self.ledger.collect()
            entries = self.ledger.unsaved()
        if entries:
            self.ledger.save(entries)
            transaction.on_commit(partial(self._saved, entries))

    def _saved(self, entries: list[Entry]) -> None:
        with self._look_lock:
            self.ledger.saved(entries)

    def _share(self) -> float | None:
        """The share of the current phase that is done; None when that cannot be known."""
        return min(1.0, self.done / self.total) if self.total else None

    def _free_share(self) -> float:
        return min(1.0, self._skipped / self.total) if self.total else 0.0
