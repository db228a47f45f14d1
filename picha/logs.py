"""What must not get into a log."""

import logging


class WithoutQueries(logging.Filter):
    """A link to a job carries the key to it in its query: whoever reads the log could use it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, dict) and "path" in record.args:
            path = str(record.args["path"]).partition("?")[0]
            record.args = record.args | {"path": path}
        return True


class WithoutTracebacks(logging.Filter):
    """Of suspicious requests, which anybody can send as many of as they like: a line is enough."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security"):
            record.exc_info = record.exc_text = None
        return True
