"""What can go wrong in a job, and what each means for it.

Exception
└── JobError          the job fails; its text is for people, its code for programs
    ├── TimeLimitExceeded
    ├── BatchTooLarge more jobs in one batch than the site allows
    ├── FileTooLarge  a file of more bytes than the site allows
    ├── JobEnded      a job that has ended was to be given another part
    └── TimeLimitRefused  a call's time limit is not under the visibility timeout
BaseException
└── Stopped           the body must end now; not an error of the body
    ├── Cancelled     somebody asked for it
    └── LeaseLost     another run has taken the job over
"""

import logging
from typing import ClassVar, Final

log: Final = logging.getLogger(__name__)


class JobError(Exception):
    """An error whose text may be shown to whoever watches the job.

    Subclass it, set `code` (a short constant for programs), and raise it with one sentence that
    says what happened and, where it helps, what to do. Any other exception that leaves a task's
    body is shown to operators only; watchers read `UNEXPECTED`.
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
    """Ends a task's body at a progress call; not an `Exception`, so that no `except` eats it."""


class Cancelled(Stopped):
    pass


class LeaseLost(Stopped):
    pass


UNEXPECTED = "Something unexpected went wrong. The site's operators can see what it was."


def describe(error: BaseException) -> tuple[str, str]:
    """The code and the sentence that watchers may read about `error`."""
    if isinstance(error, JobError):
        try:
            return error.code, str(error)
        except Exception:
            log.exception("A %s has no text", type(error).__name__)
    return type(error).__name__, UNEXPECTED
