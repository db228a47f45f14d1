import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from picha.private_files import NAMES, CannotBePrivate, close_files, create_private_files
from picha.tests.settings_process import read_settings, run_code

DATABASES = ("picha.sqlite3", "picha.sqlite3-wal", "picha.sqlite3-shm", "picha.sqlite3-journal")
FOLDERS = {"log", "mail", "media", "run", "valkey"}


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder whose files and folders everybody can read."""
    folder = tmp_path / "var"
    folder.mkdir()
    for name in (*NAMES, *DATABASES, "other"):
        path = folder / name
        if name in FOLDERS:
            path.mkdir()
        else:
            path.touch()
        path.chmod(0o755 if name in FOLDERS else 0o664)
    folder.chmod(0o755)
    return folder


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_new_files_and_folders_are_private(tmp_path: Path) -> None:
    create_private_files()
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    subprocess.run([sys.executable, "-c", "open('child', 'w')"], cwd=tmp_path, check=True)
    assert mode_of(tmp_path / "file") == mode_of(tmp_path / "child") == 0o600
    assert mode_of(tmp_path / "folder") == 0o700


def test_what_is_there_is_closed(open_folder: Path) -> None:
    close_files(open_folder, open_folder / "picha.sqlite3")
    for name in (*NAMES, *DATABASES):
        assert mode_of(open_folder / name) == (0o700 if name in FOLDERS else 0o600), name


def test_other_files_and_the_folder_itself_are_left_alone(open_folder: Path) -> None:
    close_files(open_folder, open_folder / "picha.sqlite3")
    assert mode_of(open_folder) == 0o755
    assert mode_of(open_folder / "other") == 0o664


def test_the_execute_bit_of_the_owner_stays(open_folder: Path) -> None:
    (open_folder / "lock").chmod(0o711)
    close_files(open_folder)
    assert mode_of(open_folder / "lock") == 0o700


def test_an_open_file_of_another_user_is_refused(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, mode: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(CannotBePrivate, match=r"cannot be changed \(Operation not permitted\)"):
        close_files(open_folder)


def test_a_file_that_disappears_meanwhile_is_no_problem(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disappear(self: Path, mode: int) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "chmod", disappear)
    close_files(open_folder, open_folder / "picha.sqlite3")


def test_a_private_file_of_another_user_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, mode: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    (tmp_path / "media").mkdir(mode=0o700)
    monkeypatch.setattr(Path, "chmod", refuse)
    close_files(tmp_path)


def test_every_program_that_reads_the_settings_has_private_files(open_folder: Path) -> None:
    code = "import os; from django.conf import settings; settings.DEBUG; print(os.umask(0))"
    process = run_code(code, open_folder)
    assert process.stdout == f"{0o077}\n", process.stderr
    assert mode_of(open_folder / "media") == 0o700
    assert mode_of(open_folder / "picha.sqlite3") == 0o600


def test_a_database_elsewhere_is_closed_too(tmp_path: Path) -> None:
    database = tmp_path / "elsewhere" / "my.sqlite3"
    database.parent.mkdir()
    database.touch(mode=0o644)
    database.chmod(0o644)
    read_settings(tmp_path / "var", "DEBUG", DATABASE_URL=f"sqlite:///{database}")
    assert mode_of(database) == 0o600
