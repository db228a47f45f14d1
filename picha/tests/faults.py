"""Faults of the running site, each undone at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from picha.tests.stack import PATIENCE, Stack
from realtime.tests.polling import until


@contextmanager
def frozen(stack: Stack, *names: str) -> Iterator[None]:
    """Alive, but doing nothing."""
    still: list[str] = []
    try:
        for name in names:
            stack.freeze(name)
            still.append(name)
        yield
    finally:
        for name in still:
            stack.thaw(name)


@contextmanager
def stopped(stack: Stack, name: str) -> Iterator[None]:
    stack.stop(name)
    try:
        yield
    finally:
        stack.start(name)


def wait_until_well(stack: Stack) -> None:
    until(stack.is_well, within=PATIENCE, what="the site is ready again")
