"""Where a run keeps its files and sockets, and what they are called."""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

# A unix socket's path may have 107 bytes (103 on macOS), and supervisord binds its own under a
# temporary name that is longer by a dot and its process id.
LONGEST_SOCKET_PATH = 90
LONGEST_SOCKET_NAME = "supervisor.sock"


def run_dir(var_dir: Path) -> Path:
    """The folder of the sockets: in `var_dir`, or where that is too long for one, beside /tmp's."""
    own = var_dir / "run"
    if len(os.fsencode(own / LONGEST_SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        return own
    digest = hashlib.sha256(os.fsencode(var_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"picha-{os.getuid()}-{digest}"


def valkey_socket(var_dir: Path) -> Path:
    return run_dir(var_dir) / "valkey.sock"


def socket_url(path: Path) -> str:
    return f"unix://{quote(str(path))}"


def broker_url(redis_url: str) -> str:
    """The same server as kombu spells it: a unix socket has a scheme of its own there."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{credentials}{parts.path}?virtual_host={database}"
