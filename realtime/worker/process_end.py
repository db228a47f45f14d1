"""Process end: tells exceptions that end the process of a run from those that end only its body."""

# Celery internal: the handler that billiard's pool installs for the signals that end a process.
from billiard import common


def ends_process(error: BaseException) -> bool:
    """Whether `error` ends this process: a signal to a child process of a worker, or Ctrl+C."""
    if isinstance(error, KeyboardInterrupt):
        return True
    return bool(common.terminate_handler_fired())  # type: ignore[attr-defined]  # newer than its stubs
