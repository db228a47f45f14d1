"""What must not get into a log."""

import logging


class WithoutQueries(logging.Filter):
    """A link to a job carries the key to it in its query: whoever reads the log could use it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, dict) and "path" in record.args:
            path = str(record.args["path"]).partition("?")[0]
            record.args = record.args | {"path": path}
        return True
