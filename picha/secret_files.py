"""Secret files: passwords and keys that are created once and then read from a file."""

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path


def secret_key(var_dir: Path) -> str:
    return read_or_create(var_dir / "secret-key", lambda: secrets.token_urlsafe(50))


def operator_password_file(var_dir: Path) -> Path:
    return var_dir / "operator-password"


def operator_password(var_dir: Path) -> str:
    return read_or_create(operator_password_file(var_dir), lambda: secrets.token_urlsafe(12))


def read_or_create(path: Path, make: Callable[[], str]) -> str:
    """The text in `path`, which is created if it does not exist; only its owner can read it.

    Several processes may call this at the same time, as three terminals that are started together
    do: the file appears complete and only once, and all of them read the same text.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path, make())
    return path.read_text(encoding="utf-8").strip()


def _create(path: Path, text: str) -> None:
    descriptor, temporary_name = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.link(temporary_name, path)
    except FileExistsError:
        pass  # another process was faster; the caller reads its text
    finally:
        Path(temporary_name).unlink()
