from typing import Any

import pytest

from realtime.bounds import OTHER, largest_counts, nearest_phases, shorten, small_result


@pytest.mark.parametrize(("text", "short"), [("", ""), ("abc", "abc"), ("abcd", "ab…")])
def test_a_text_over_its_limit_ends_with_an_ellipsis(text: str, short: str) -> None:
    assert shorten(text, 3) == short


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ({}, {}),
        ({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "c": 3}),
        ({"a": 1, "b": 4, "c": 2, "d": 3}, {"b": 4, "d": 3, OTHER: 3}),
        ({"a": 1, OTHER: 9, "c": 2, "d": 3, "e": 5}, {"d": 3, "e": 5, OTHER: 12}),
        ({"a": 1, "b": 1, "c": 1, OTHER: 9}, {"a": 1, "b": 1, OTHER: 10}),
    ],
)
def test_the_largest_counts_are_shown_and_the_sum_stays(
    counts: dict[str, int], shown: dict[str, int]
) -> None:
    assert largest_counts(counts, 3) == shown
    assert sum(shown.values()) == sum(counts.values())


@pytest.mark.parametrize(
    ("running", "first", "last"), [(None, 0, 3), (0, 0, 3), (2, 0, 3), (5, 3, 6), (9, 6, 9)]
)
def test_the_phases_around_the_running_one_are_shown(
    running: int | None, first: int, last: int
) -> None:
    states = ["waiting" if running is None or n > running else "done" for n in range(10)]
    if running is not None:
        states[running] = "running"
    phases = [[str(n), state] for n, state in enumerate(states)]
    shown = nearest_phases(phases, 4)
    assert [int(name) for name, _ in shown] == list(range(first, last + 1))
    assert nearest_phases(phases[:4], 4) == phases[:4]


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (None, None),
        (0, 0),
        ("x" * 18, "x" * 18),
        ("x" * 19, None),
        ("ä" * 9, "ä" * 9),
        ("ä" * 10, None),
        ("\x01" * 5, None),
        (list(range(100)), None),
        ([[[[[[[[[[1]]]]]]]]]], None),
        ({"new": 24}, {"new": 24}),
        ({"new": 24, "text": "x" * 20}, {"new": 24}),
        ({"text": "x" * 20}, None),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, {"a": 1, "b": 2, "c": 3}),
        ({"n" * 30: 1, "b": 2}, {"b": 2}),
        ({"yes": True, "b": 2, "rest": [1] * 50}, {"b": 2}),
    ],
)
def test_a_result_over_20_bytes_is_reduced_to_its_whole_numbers(result: Any, shown: Any) -> None:
    assert small_result(result, 20) == shown


def test_a_large_result_is_not_read_to_its_end() -> None:
    class Counted(list[int]):
        reads = 0

        def __iter__(self) -> Any:
            Counted.reads += 1
            return super().__iter__()

    assert small_result(Counted(range(1000)), 100) is None
    assert Counted.reads == 0
