import pytest

from realtime.servers.frames import text_frame
from realtime.tests.support.raw_socket import TEXT, Frame, parsed


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_a_text_is_one_frame(size: int) -> None:
    assert parsed(text_frame("x" * size)) == (Frame(TEXT, b"x" * size), b"")


def test_its_length_is_in_bytes() -> None:
    assert parsed(text_frame("é" * 63)) == (Frame(TEXT, "é".encode() * 63), b"")
