from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from picha.secret_files import kept, operator_password, secret_key


def test_a_secret_is_made_once_and_is_the_owners_alone(tmp_path: Path) -> None:
    first = secret_key(tmp_path / "var")

    assert secret_key(tmp_path / "var") == first
    assert len(first) > 50
    assert (tmp_path / "var" / "secret-key").stat().st_mode & 0o777 == 0o600
    assert operator_password(tmp_path / "var") != first


def test_processes_that_start_together_read_the_same(tmp_path: Path) -> None:
    numbers = count()

    with ThreadPoolExecutor(8) as pool:
        read = set(pool.map(lambda _: kept(tmp_path / "s", lambda: f"{next(numbers)}"), range(64)))

    assert len(read) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
