"""Errors: what can go wrong in a job, and what happens to the job.

Exception
└── JobError          the job fails; watchers see its text, programs its code
    ├── TimeLimitExceeded the body ran longer than its time limit
    ├── BatchTooLarge     a batch has more jobs than REALTIME_BATCH_MAX
    ├── FileTooLarge      a file has more bytes than the site allows
    ├── JobEnded          a child job was enqueued for a job that has ended
    └── TimeLimitRefused  a call has time limits that cannot work
BaseException
└── Stopped           the body must end now; not an error of the body
    ├── Cancelled     a user cancelled the job
    └── LeaseLost     another run has the lease of the job
"""

import logging
from typing import ClassVar, Final

log: Final = logging.getLogger(__name__)


class JobError(Exception):
    """An error whose text may be shown to everyone who watches the job.

    Subclass it, set `code` (a short constant for programs), and raise it with one sentence that
    says what happened and, where it helps, what to do. The text of any other exception is shown
    to operators only; watchers read `UNEXPECTED`.
    """

    code: ClassVar[str] = "error"


class TimeLimitExceeded(JobError):
    code = "time_limit"


class BatchTooLarge(JobError):
    code = "batch_too_large"


class FileTooLarge(JobError):
    code = "file_too_large"


class JobEnded(JobError):
    code = "job_ended"


class TimeLimitRefused(JobError):
    code = "time_limit_refused"


class Stopped(BaseException):
    """Raised by a progress call to end the body of a task.

    It is no `Exception`, so that no `except Exception` in the body catches it.
    """


class Cancelled(Stopped):
    pass


class LeaseLost(Stopped):
    pass


UNEXPECTED = "Something unexpected went wrong. The site's operators can see what it was."


def describe(error: BaseException) -> tuple[str, str]:
    """The code and the sentence that watchers may see for `error`."""
    if isinstance(error, JobError):
        try:
            return error.code, str(error)
        except Exception:
            log.exception("A %s has no text", type(error).__name__)
    return type(error).__name__, UNEXPECTED
