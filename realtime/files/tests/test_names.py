import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime.files.names import NAME_MAX, clean_name


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("photos.xlsx", "photos.xlsx"),
        ("Übersicht 2026.xlsx", "Übersicht 2026.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\windows\\a.txt", "a.txt"),
        (".htaccess", "htaccess"),
        ("a\r\nSet-Cookie: b=c.csv", "aSet-Cookie_ b=c.csv"),
        ('a"; filename="b.exe', "a_; filename=_b.exe"),
        ("gnp.\u202excod.exe", "gnp.xcod.exe"),
        ("a\x00b.csv", "ab.csv"),
        ("\ud800.csv", "csv"),
        ("trailing. . .", "trailing"),
        ("e\u0301.csv", "é.csv"),
        ("e\u200d\u0301.csv", "é.csv"),
        ("a. csv", "a.csv"),
        ("..", "file"),
        ("", "file"),
        ("/", "file"),
    ],
)
def test_every_name_becomes_a_safe_one(name: str, clean: str) -> None:
    assert clean_name(name) == clean


def test_a_long_name_is_cut_before_its_extension() -> None:
    name = clean_name("x" * 300 + ".xlsx")
    assert len(name) == NAME_MAX
    assert name.endswith("x.xlsx")


@given(st.text())
@example("a\u200d\u0301")
@example("a." + "b" * 19 + " c")
@example("a." + "b" * 200 + "." + " " * 20 + "c")
def test_no_name_is_dangerous(name: str) -> None:
    clean = clean_name(name)
    assert 0 < len(clean) <= NAME_MAX
    assert not set(clean) & set('/\\<>:"|?*')
    assert clean[0] != "."
    assert not any(unicodedata.category(char)[0] == "C" for char in clean)
    assert clean_name(clean) == clean
