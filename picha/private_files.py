"""Private files: nobody but the user of the site's programs can read what the site stores.

The settings call it, so that it holds for every program, however it is started.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

UMASK: Final = 0o077
OPEN_BITS: Final = 0o077
NAMES: Final = (
    *("log", "mail", "media", "run", "valkey"),
    *("lock", "operator-password", "secret-key"),
)
"""The folders and files of the site in VAR_DIR. The static files are public anyway."""


class CannotBePrivate(Exception):
    """Its text says which file is open, and what to do."""


def create_private_files() -> None:
    """Let this process and its children create files and folders that only this user can read."""
    os.umask(UMASK)


def close_files(var_dir: Path, *databases: Path) -> None:
    """Take the access of other users away from what is in `var_dir`, and from SQLite databases.

    The mode of `var_dir` itself stays: it may be a folder that other programs use too.

    Raises:
        CannotBePrivate: a file or folder is open, and its mode cannot be changed.
    """
    for path in _paths(var_dir, databases):
        mode = _mode_of(path)
        if not mode & OPEN_BITS:
            continue
        try:
            path.chmod(stat.S_IMODE(mode) & ~OPEN_BITS)
        except FileNotFoundError:
            pass  # SQLite has just deleted it
        except OSError as error:
            raise CannotBePrivate(
                f"Other users can read {path} (its mode is {stat.filemode(mode)}), and its mode "
                f"cannot be changed ({error.strerror}): run `chmod go= {path}` as its owner, or "
                "set VAR_DIR to another folder."
            ) from None


def _paths(var_dir: Path, databases: tuple[Path, ...]) -> Iterator[Path]:
    yield from (var_dir / name for name in NAMES)
    for database in databases:
        # SQLite keeps a part of the data in files beside it.
        for suffix in ("", "-wal", "-shm", "-journal"):
            yield database.with_name(f"{database.name}{suffix}")


def _mode_of(path: Path) -> int:
    """0 if the file does not exist or this user cannot reach it."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0
