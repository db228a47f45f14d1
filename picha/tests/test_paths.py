from pathlib import Path

import pytest
from redis import Redis

from picha.paths import SOCKET_PATH_MAX, broker_url, run_dir, socket_url, valkey_socket


def test_sockets_are_in_the_run_folder() -> None:
    assert run_dir(Path("/srv/picha")) == Path("/srv/picha/run")


def test_a_path_too_long_for_a_socket_is_replaced_by_a_short_one() -> None:
    long_paths = [Path("/srv") / ("x" * 100) / name for name in ("one", "two")]

    folders = [run_dir(path) for path in long_paths]

    assert all(len(str(valkey_socket(path))) <= SOCKET_PATH_MAX for path in long_paths)
    assert folders[0] != folders[1]
    assert folders[0] == run_dir(long_paths[0])


@pytest.mark.parametrize(
    ("redis", "broker"),
    [
        ("redis://host:6379/1", "redis://host:6379/1"),
        ("rediss://:secret@host/0", "rediss://:secret@host/0"),
        ("unix:///srv/v.sock", "redis+socket:///srv/v.sock?virtual_host=0"),
        ("unix:///srv/v.sock?db=2", "redis+socket:///srv/v.sock?virtual_host=2"),
        ("unix://:secret@/srv/v.sock", "redis+socket://:secret@/srv/v.sock?virtual_host=0"),
    ],
)
def test_the_broker_is_the_same_server(redis: str, broker: str) -> None:
    assert broker_url(redis) == broker


def test_a_socket_url_may_contain_any_character_of_a_path() -> None:
    path = Path("/srv/my photos/50%/v.sock")

    pool = Redis.from_url(socket_url(path)).connection_pool

    assert pool.connection_kwargs["path"] == str(path)
