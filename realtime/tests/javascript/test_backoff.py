import pytest

from realtime.tests.support.browser_page import FakeSite

pytestmark = pytest.mark.browser


def test_the_wait_is_random_up_to_a_maximum_that_doubles(page_of_modules: FakeSite) -> None:
    expression = "a.map((attempt) => [0, 0.5, 1].map((random) => m.delay(attempt, () => random)))"
    waits = page_of_modules.module("link/backoff", expression, [0, 1, 3, 40])
    assert waits == [[100, (100 + max_ms) / 2, max_ms] for max_ms in (1_000, 2_000, 8_000, 30_000)]


def test_a_thousand_pages_connect_at_different_times(page_of_modules: FakeSite) -> None:
    waits = page_of_modules.module(
        "link/backoff", "Array.from({ length: 1000 }, () => m.delay(a))", 3
    )
    tenths = [sum(part <= (wait - 100) / 790 < part + 1 for wait in waits) for part in range(10)]
    assert sum(tenths) == 1000
    assert min(tenths) > 50, tenths
    assert max(tenths) < 150, tenths
