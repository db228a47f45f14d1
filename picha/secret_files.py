"""Secrets that are made once and kept in a file of their own."""

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path


def secret_key(var_dir: Path) -> str:
    return kept(var_dir / "secret-key", lambda: secrets.token_urlsafe(50))


def operator_password(var_dir: Path) -> str:
    return kept(var_dir / "operator-password", lambda: secrets.token_urlsafe(12))


def kept(path: Path, make: Callable[[], str]) -> str:
    """The text in `path`; made, and readable by its owner alone, where there is none.

    Several processes may ask at once (three terminals, started together): the file appears
    whole and under its name only once, and all of them read the same.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path, make())
    return path.read_text(encoding="utf-8").strip()


def _create(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.link(name, path)
    except FileExistsError:
        pass  # somebody was faster, and theirs is read
    finally:
        Path(name).unlink()
