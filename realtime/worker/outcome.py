"""How a run of a task ends: each end moves its job on, with all that its progress has still to say.

Progress, items and the new state are saved together or not at all; and a run whose job is no
longer its own changes nothing.
"""

import logging
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any, Final

from celery.exceptions import Ignore, Retry
from django.db import transaction

from realtime.batches import rollup
from realtime.database import DISCONNECTED, retry_if_disconnected
from realtime.errors import describe
from realtime.jobs import lease
from realtime.progress.progress import Progress
from realtime.serialization import clean_text, to_json_lossy
from realtime.worker.run import runtime

log: Final = logging.getLogger(__name__)

CANCELLED: Final = "The job was cancelled."
TRACEBACK_MAX: Final = 20_000
"""Characters of a traceback that are kept, its end."""
CODE_MAX: Final = 100


def retry_later(progress: Progress, retry: Retry, message: dict[str, Any]) -> None:
    """Have the job tried again with `message`, unless it is to be cancelled: that it is then.

    Raises:
        Ignore: it is cancelled.
    """
    error = retry.exc if isinstance(retry.exc, BaseException) else None
    held = end(
        progress,
        lease.retry_later,
        error=clean_text(describe(error)[1]) if error else "",
        traceback=_traceback(),
        args=message["args"],
        kwargs=message["kwargs"],
        options=message["options"],
        queue=message["queue"],
        due_at=message["due_at"] or datetime.now(UTC),
    )
    if not held and cancel(progress):
        raise Ignore(CANCELLED) from None


def cancel(progress: Progress) -> bool:
    return end(progress, rollup.end_cancelled)


def finish(progress: Progress, result: Any = None) -> None:
    file = progress.attachment.row_value()
    end(progress, lease.finish, result=stored_result(result), file=file)


def fail(progress: Progress, error: BaseException) -> None:
    """Fail the job; without its last progress if that is what cannot be written."""
    code, sentence = describe(error)
    fields = {
        "code": clean_text(code, CODE_MAX),
        "error": clean_text(sentence),
        "traceback": _traceback(),
    }
    try:
        held = _move_on(progress, rollup.end_failed, **fields)
    except DISCONNECTED:
        raise
    except Exception:
        log.exception("The progress of job %s cannot be saved", progress.job.pk)
        held = rollup.end_failed(progress.job, **fields)
    progress.attachment.delete_unused(had_lease=held, is_saved=False)


def _traceback() -> str:
    return clean_text(traceback.format_exc())[-TRACEBACK_MAX:]


def end(progress: Progress, verb: Callable[..., bool], **fields: Any) -> bool:
    """Move the job on by `verb`, with its last progress and items, all or nothing.

    Returns False when the job is no longer this run's. If what there is to write cannot be
    written, the job has failed.
    """
    try:
        held = _move_on(progress, verb, **fields)
    except DISCONNECTED:
        raise
    except Exception as error:
        fail(progress, error)
        raise
    progress.attachment.delete_unused(had_lease=held, is_saved=bool(fields.get("file")))
    return held


def _move_on(progress: Progress, verb: Callable[..., bool], **fields: Any) -> bool:
    def move() -> bool:
        with transaction.atomic() if progress.owes_items() else nullcontext():
            held = verb(progress.job, **fields, **progress.unwritten())
            if held:
                progress.save_items()
        return held

    def move_again() -> bool:
        return move() or lease.attempt_has_ended(progress.job)

    runtime().unfollow(progress)
    with progress.write_lock:
        return retry_if_disconnected(move, again=move_again)


def stored_result(result: Any) -> Any:
    """`result` as JSON; None when it cannot be written so, as nobody could be shown it.

    What a database does not take of it is replaced: NaN by null, a NUL by a replacement character.
    """
    if result is None:
        return None
    try:
        return to_json_lossy(result)
    except Exception:  # of whatever the task's author has made
        log.warning("The result of a job cannot be written as JSON", exc_info=True)
        return None
