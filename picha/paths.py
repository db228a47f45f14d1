"""Paths: where a running site keeps its sockets, and the URLs of these sockets."""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

# The path of a Unix socket may have 107 bytes (103 on macOS). supervisord first binds its socket
# under a temporary name, which is longer by a dot and its process id.
SOCKET_PATH_MAX = 90
LONGEST_SOCKET_NAME = "supervisor.sock"


def run_dir(var_dir: Path) -> Path:
    """The folder of the sockets: in `var_dir`, or in /tmp if the path would be too long."""
    folder = var_dir / "run"
    if len(os.fsencode(folder / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_MAX:
        return folder
    digest = hashlib.sha256(os.fsencode(var_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"picha-{os.getuid()}-{digest}"


def valkey_socket(var_dir: Path) -> Path:
    return run_dir(var_dir) / "valkey.sock"


def socket_url(path: Path) -> str:
    return f"unix://{quote(str(path))}"


def broker_url(redis_url: str) -> str:
    """The same server as a URL for kombu, which has its own scheme for Unix sockets."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{credentials}{parts.path}?virtual_host={database}"
