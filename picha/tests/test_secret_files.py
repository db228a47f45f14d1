from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from picha.secret_files import operator_password, read_or_create, secret_key


def test_a_secret_is_created_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    first = secret_key(tmp_path / "var")

    assert secret_key(tmp_path / "var") == first
    assert len(first) > 50
    assert (tmp_path / "var" / "secret-key").stat().st_mode & 0o777 == 0o600
    assert operator_password(tmp_path / "var") != first


def test_all_who_read_at_the_same_time_get_the_same_secret(tmp_path: Path) -> None:
    numbers = count()
    path = tmp_path / "secret"

    with ThreadPoolExecutor(8) as pool:
        secrets = set(
            pool.map(lambda _: read_or_create(path, lambda: f"{next(numbers)}"), range(64))
        )

    assert len(secrets) == 1
    assert list(tmp_path.iterdir()) == [path]
