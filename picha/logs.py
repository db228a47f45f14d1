"""Logging settings, and the filters that keep secrets and floods out of the log."""

import logging
from typing import Any


class WithoutQueries(logging.Filter):
    """Removes the query of a path: the link to a job has the job's key in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, dict) and "path" in record.args:
            path = str(record.args["path"]).partition("?")[0]
            record.args = record.args | {"path": path}
        return True


class WithoutTracebacks(logging.Filter):
    """Removes the traceback of requests that are refused: anybody can send any number of them."""

    def filter(self, record: logging.LogRecord) -> bool:
        is_refusal = 400 <= getattr(record, "status_code", 0) < 500
        if is_refusal or record.name.startswith("django.security"):
            record.exc_info = record.exc_text = None
        return True


def logging_settings(*, level: str) -> dict[str, Any]:
    """The value of Django's LOGGING: one line a record, on stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
        "filters": {
            "without_queries": {"()": WithoutQueries},
            "without_tracebacks": {"()": WithoutTracebacks},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["without_tracebacks"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            "django.channels.server": {"filters": ["without_queries"]},  # the log of runserver
            # At INFO it logs every request, with its whole address.
            "httpx": {"level": "WARNING"},
        },
    }
