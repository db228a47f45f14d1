"""The verbs that move a job from state to state.

Each is one conditional UPDATE that also bumps `revision`, and one line in the timeline, in one
transaction. Whoever's UPDATE matches no row has lost the race: the verb returns False (or None)
and nothing has happened.

`attempt` is the fencing token of a run. Every claim raises it, so that a worker that was thought
lost and wakes up (a zombie) matches no row any more.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import models, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Now

from realtime.events import JobEvent
from realtime.signals import announce, announce_queued
from realtime.statements import Move, Slot
from realtime.states import CLAIMABLE, FINISHED, WAITING, Carrier, EventKind, JobState

if TYPE_CHECKING:
    from realtime.models import Job

EARLY: Final = timedelta(seconds=1)
"""By how much a message may come before a retry is due: the clocks of two machines differ."""


BLANK: Final[dict[str, Any]] = {
    "published_at": None,
    "due_at": None,
    "expires_at": None,
    "started_at": None,
    "finished_at": None,
    "cancel_requested_at": None,
    "losses": 0,
    "result": None,
    "file": None,
    "error_code": "",
    "error": "",
    "traceback": "",
    "phase": "",
    "phases": [],
    "fraction": None,
    "done": 0,
    "total": None,
    "rate": None,
    "eta": None,
    "message": "",
}
"""What a job that is run again does not keep."""

KEPT_BY_BATCHES: Final = frozenset({"published_at", "result", "file", "phases"})
"""What a body has made once, and what its jobs, run again, do not make."""

CARRIED: Final[dict[str, Any]] = {
    "carrier": Carrier.CHILDREN,
    "worker": "",
    "heartbeat_at": None,
    "fraction": None,
    "done": 0,
    "total": None,
    "rate": None,
    "eta": None,
    "message": "",
}
"""What changes when a job's own jobs take over from its body."""

READY: Final = (Q(due_at=None) | Q(due_at__lte=Now() + Value(EARLY))) & (
    Q(expires_at=None) | Q(expires_at__gt=Now())
)
HELD: Final = Q(id=Slot("id"), state=JobState.RUNNING, attempt=Slot("attempt"))
MOVED: Final[dict[str, Any]] = {"revision": F("revision") + 1, "tick": 0}
ENDED: Final[dict[str, Any]] = MOVED | {"finished_at": Now(), "due_at": None}

CLAIM: Final = Move(
    Q(READY, id=Slot("id"), state__in=sorted(CLAIMABLE)),
    state=JobState.RUNNING,
    attempt=F("attempt") + 1,
    started_at=Coalesce(F("started_at"), Now()),
    heartbeat_at=Now(),
    due_at=None,
    expires_at=None,
    message="",
    error="",
    error_code="",
    **MOVED,
)
FINISH: Final = Move(HELD & Q(carrier=Carrier.BODY), **ENDED)
END: Final = Move(HELD & ~Q(carrier=Carrier.CHILDREN), **ENDED)


class JobQuerySet(models.QuerySet["Job"]):
    def unfinished(self) -> "JobQuerySet":
        return self.exclude(state__in=FINISHED)

    def waiting(self) -> "JobQuerySet":
        return self.filter(state__in=WAITING)

    def update_in_order(self, **fields: Any) -> int:
        """`update`, for many jobs at once.

        It locks their rows in the order of their ids, as all others do, so that no two of them
        wait for each other. Not their keys: a part that is updated twice in a transaction has
        PostgreSQL look, at its end, for the row of its parent.
        """
        with transaction.atomic(using=self.db):
            rows = self.order_by("pk").select_for_update(no_key=True).values("pk")
            return self.model.objects.filter(pk__in=rows).update(**fields)

    def batches(self) -> "JobQuerySet":
        """Jobs that no worker has or takes: their state and bar are their children's."""
        return self.filter(carrier=Carrier.CHILDREN)

    def unpublished(self, *, before: datetime | Combinable) -> "JobQuerySet":
        """Jobs that the broker should have by now and has not."""
        due = Q(due_at=None) | Q(due_at__lte=before)
        return self.filter(due, state__in=CLAIMABLE, published_at=None, queued_at__lte=before)

    def claim(self, job_id: UUID, *, worker: str) -> "Job | None":
        """Take the lease of a waiting job for `worker`; None when there is nothing to take."""
        job = CLAIM.take(self, {"id": job_id}, text=f"Started on {worker}", worker=worker)
        if job:
            job.is_claimed = True
            announce(job_id)
            _ = job.owner  # Snapshots name it, and are made on the event loop.
        return job

    def finish(self, job: "Job", *, result: Any, **progress: Any) -> bool:
        """The body returned `result`; `progress` are the last values of the progress fields.

        A job that has made jobs of its own (`take_part`) goes on until they have ended.
        """
        return self._end(
            FINISH, job, JobState.SUCCEEDED, text="Done", result=result, **progress
        ) or self.hand_over(job, result=result, **progress)

    def hand_over(self, job: "Job", *, result: Any, **progress: Any) -> bool:
        """The body returned; from now on the jobs that it has made carry the job on.

        Its bar begins anew, as that of a new phase: it counts the jobs.
        """
        return self._move(
            self.held(job).filter(carrier=Carrier.BOTH),
            job.pk,
            JobState.RUNNING,
            text="Waits for its jobs",
            **progress | CARRIED | {"result": result},
        )

    def fail(
        self, job: "Job", *, code: str, error: str, traceback: str = "", **progress: Any
    ) -> bool:
        """The body raised; `error` is a sentence for people, `traceback` is for operators."""
        return self._end(
            END,
            job,
            JobState.FAILED,
            text=error,
            error_code=code,
            error=error,
            traceback=traceback,
            **progress,
        )

    def take_part(self, job: "Job") -> bool:
        """Note that an unfinished job is about to have one more job of its own.

        A worker's own job must still be its own. Not a transition, but it locks the row: the job
        cannot end meanwhile.
        """
        open_ = self.held(job) if job.is_claimed else self.unfinished().filter(pk=job.pk)
        both = When(carrier=Carrier.BODY, then=Value(Carrier.BOTH))
        return bool(open_.update(carrier=Case(both, default=F("carrier"))))

    def end_batch(self, job_id: UUID, state: JobState, *, text: str, **fields: Any) -> bool:
        """The last of a job's own jobs has ended, and with it the job."""
        return self._move(
            self.batches().filter(pk=job_id, state=JobState.RUNNING),
            job_id,
            state,
            text=text,
            finished_at=Now(),
            **fields,
        )

    def reopen(self, job_id: UUID, *, text: str) -> bool:
        """Some of an ended batch's jobs are run again, so that it goes on."""
        kept = {name: value for name, value in BLANK.items() if name not in KEPT_BY_BATCHES}
        return self._move(
            self.batches().filter(pk=job_id, state__in=FINISHED),
            job_id,
            JobState.RUNNING,
            text=text,
            **kept | {"started_at": Now()},
        )

    def retry_later(
        self, job: "Job", *, due_at: datetime, error: str, traceback: str = "", **progress: Any
    ) -> bool:
        """This try failed; the next one is due at `due_at`. A job to be cancelled has no other."""
        return self._move(
            self.held(job).filter(cancel_requested_at=None),
            job.pk,
            JobState.RETRYING,
            text=error,
            queued=True,
            due_at=due_at,
            published_at=None,
            error=error,
            traceback=traceback,
            **progress,
        )

    def lose(self, job: "Job", *, silence: timedelta) -> bool:
        """The worker of a running job has been silent for longer than its lease allows."""
        return self._move(
            self.held(job).filter(heartbeat_at__lt=Now() - Value(silence)),
            job.pk,
            JobState.LOST,
            text=f"{job.worker} fell silent",
            losses=F("losses") + 1,
        )

    def rescue(self, job_id: UUID) -> bool:
        """Queue a lost job again."""
        return self._move(
            self.filter(pk=job_id, state=JobState.LOST, losses__lt=F("max_attempts")),
            job_id,
            JobState.QUEUED,
            text="Queued again",
            queued=True,
            published_at=None,
            due_at=None,
        )

    def give_up(self, job_id: UUID, *, code: str, error: str) -> bool:
        """Fail a lost job that has lost as many workers as it may."""
        return self._move(
            self.filter(pk=job_id, state=JobState.LOST, losses__gte=F("max_attempts")),
            job_id,
            JobState.FAILED,
            text=error,
            error_code=code,
            error=error,
            finished_at=Now(),
        )

    def request_cancel(self, job_id: UUID) -> bool:
        """Ask the body of a running job to end; its bus tells it within a second.

        No transition: the job runs until its body has ended.
        """
        running = self.filter(pk=job_id, state=JobState.RUNNING, cancel_requested_at=None)
        return bool(running.update(cancel_requested_at=Now()))

    def run_again(
        self, job_id: UUID, *, options: dict[str, Any], phases: Iterable[str], text: str
    ) -> bool:
        """Queue a finished job once more, as if it were new but with its ledger and timeline."""
        return self._move(
            self.filter(pk=job_id, state__in=FINISHED).exclude(carrier=Carrier.CHILDREN),
            job_id,
            JobState.QUEUED,
            text=text,
            queued=True,
            options=options,
            queued_at=Now(),
            **BLANK | {"phases": [[name, "waiting"] for name in phases]},
        )

    def cancel_waiting(self, job_id: UUID, *, text: str = "Cancelled") -> bool:
        """End a job that no worker has begun."""
        return self._move(
            self.filter(pk=job_id, state__in=WAITING),
            job_id,
            JobState.CANCELLED,
            text=text,
            finished_at=Now(),
            due_at=None,
        )

    def refuse(self, job_id: UUID, *, code: str, error: str) -> bool:
        """Fail a job that no broker will take."""
        return self._move(
            self.filter(pk=job_id, state__in=WAITING),
            job_id,
            JobState.FAILED,
            text=error,
            error_code=code,
            error=error,
            finished_at=Now(),
            due_at=None,
        )

    def cancel_running(self, job: "Job", *, text: str = "Cancelled", **progress: Any) -> bool:
        """The body of a running job has ended because it was asked to."""
        return self._end(END, job, JobState.CANCELLED, text=text, **progress)

    def held(self, job: "Job") -> "JobQuerySet":
        """The row of `job`, if the lease is still that of this attempt."""
        mine = self.filter(pk=job.pk, state=JobState.RUNNING, attempt=job.attempt)
        return mine.exclude(carrier=Carrier.CHILDREN)

    def has_moved_on(self, job: "Job") -> bool:
        """Whether this attempt has come to its end, in a transaction whose answer was lost."""
        ended = Q(state__in={*FINISHED, JobState.RETRYING}) | Q(carrier=Carrier.CHILDREN)
        found = self.filter(ended, pk=job.pk, attempt=job.attempt).exists()
        if found:
            announce(job.pk)
        return found

    def _end(self, move: Move, job: "Job", state: JobState, *, text: str, **fields: Any) -> bool:
        held = {"id": job.pk, "attempt": job.attempt}
        moved = move.make(self, held, text=text, state=state, **fields)
        if moved:
            announce(job.pk)
        return moved

    def _move(
        self,
        matching: "JobQuerySet",
        job_id: UUID,
        state: JobState,
        *,
        text: str,
        queued: bool = False,
        **fields: Any,
    ) -> bool:
        with transaction.atomic(using=self.db):
            moved = matching.update(state=state, revision=F("revision") + 1, tick=0, **fields)
            if moved:
                JobEvent.objects.create(job_id=job_id, kind=EventKind.STATE, state=state, text=text)
                (announce_queued if queued else announce)(job_id)
        return bool(moved)
