"""Outcome: writes how a run ended (succeeded, failed, retrying or cancelled) to its job.

The last progress, the items and the new state are saved in one transaction. A run that has lost its
lease changes nothing.
"""

import logging
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from celery.exceptions import Ignore, Retry
from django.db import transaction

from realtime.batches import rollup
from realtime.bounds import shorten
from realtime.conf import conf
from realtime.database import DISCONNECTED, retry_if_disconnected
from realtime.errors import describe
from realtime.jobs import lease
from realtime.progress import Progress
from realtime.serialization import clean_text, to_json_lossy
from realtime.worker.process_end import ends_process
from realtime.worker.run import runtime

log: Final = logging.getLogger(__name__)

CANCELLED: Final = "The job was cancelled."
TRACEBACK_MAX: Final = 20_000
"""Characters of a traceback that are saved: its end."""
CODE_MAX: Final = 100
NOT_JSON: Final = "The result is not kept: it cannot be written as JSON."
TOO_LARGE: Final = "The result is not kept: it has {size:,} bytes, and {limit:,} are allowed."


def retry_later(progress: Progress, retry: Retry, message: dict[str, Any]) -> None:
    """Publish the job again with `message`, unless it has a cancel request: then cancel it.

    Raises:
        Ignore: the job was cancelled.
    """
    error = retry.exc if isinstance(retry.exc, BaseException) else None
    has_lease = end(
        progress,
        lease.retry_later,
        error=_error_text(describe(error)[1]) if error else "",
        traceback=_traceback(),
        args=message["args"],
        kwargs=message["kwargs"],
        options=message["options"],
        queue=message["queue"],
        due_at=message["due_at"] or datetime.now(UTC),
    )
    if not has_lease and cancel(progress):
        raise Ignore(CANCELLED) from None


def cancel(progress: Progress) -> bool:
    return end(progress, rollup.end_cancelled)


def finish(progress: Progress, result: Any = None) -> None:
    file = progress.attachment.row_value()
    value, note = stored_result(result)
    end(progress, lease.finish, result=value, note=note, file=file)


def fail(progress: Progress, error: BaseException) -> None:
    """Fail the job; without its last progress or its items if they cannot be written."""
    code, sentence = describe(error)
    fields = {
        "code": clean_text(code, CODE_MAX),
        "error": _error_text(sentence),
        "traceback": _traceback(),
    }
    try:
        has_lease = _save_with_or_without_progress(progress, rollup.end_failed, **fields)
    except DISCONNECTED:
        raise
    except Exception:
        log.exception("The items of job %s cannot be saved", progress.job.pk)
        has_lease = rollup.end_failed(progress.job, **fields)
    progress.attachment.delete_unused(had_lease=has_lease, is_saved=False)


def _error_text(sentence: str) -> str:
    limit = conf.ERROR_MAX_CHARACTERS
    return shorten(clean_text(sentence, limit + 1), limit)


def _traceback() -> str:
    return clean_text(traceback.format_exc())[-TRACEBACK_MAX:]


def end(progress: Progress, change: Callable[..., bool], **fields: Any) -> bool:
    """Call `change` to change the state of the job, with its last progress and items.

    Returns False when the run has lost its lease. If the last progress cannot be written, the state
    changes without it: it only shows the work. If items or `fields` cannot be, the job fails.
    """
    try:
        has_lease = _save_with_or_without_progress(progress, change, **fields)
    except DISCONNECTED:
        raise
    except Exception as error:
        fail(progress, error)
        raise
    progress.attachment.delete_unused(had_lease=has_lease, is_saved=bool(fields.get("file")))
    return has_lease


def _save_with_or_without_progress(
    progress: Progress, change: Callable[..., bool], **fields: Any
) -> bool:
    try:
        return _save(progress, change, **fields, **_progress_fields(progress))
    except DISCONNECTED:
        raise
    except Exception:
        log.exception("The last progress of job %s cannot be saved", progress.job.pk)
        return _save(progress, change, **fields)


def _save(progress: Progress, change: Callable[..., bool], **fields: Any) -> bool:
    def save() -> bool:
        with transaction.atomic() if progress.row.has_unsaved_items() else nullcontext():
            has_lease = change(progress.job, **fields)
            if has_lease:
                progress.row.save_items()
        return has_lease

    def save_again() -> bool:
        return save() or lease.attempt_has_ended(progress.job)

    runtime().remove_run(progress)
    with progress.row.write_lock:
        return retry_if_disconnected(save, retry=save_again)


def _progress_fields(progress: Progress) -> dict[str, Any]:
    """The unsaved progress fields; none if they cannot be computed, as they only show the work."""
    try:
        return progress.row.unsaved_fields(progress.fields())
    except Exception:
        log.exception("The last progress of job %s cannot be computed", progress.job.pk)
        return {}


def stored_result(result: Any) -> tuple[Any, str]:
    """`result` as JSON, and a sentence if it is not kept: it is too large, or it is not JSON.

    Values that a database refuses are replaced: NaN by null, NUL by a replacement character.
    """
    if result is None:
        return None, ""
    try:
        plain = to_json_lossy(result)
        size = len(msgspec.json.encode(plain))
    except BaseException as error:  # Methods of the result may raise anything.
        if ends_process(error):
            raise
        log.warning("The result of a job cannot be written as JSON", exc_info=True)
        return None, NOT_JSON
    if size > conf.RESULT_MAX_BYTES:
        note = TOO_LARGE.format(size=size, limit=conf.RESULT_MAX_BYTES)
        log.warning("%s Set REALTIME_RESULT_MAX_BYTES, or attach a file to the job.", note)
        return None, note
    return plain, ""
