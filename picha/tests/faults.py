"""Faults of the running site. Each is a context manager that repairs the site at its end."""

from collections.abc import Iterator
from contextlib import contextmanager

from picha.tests.stack import TIMEOUT_SECONDS, Stack
from realtime.tests.support.polling import until


@contextmanager
def frozen(stack: Stack, *names: str) -> Iterator[None]:
    """The programs are alive, but do nothing."""
    frozen_names: list[str] = []
    try:
        for name in names:
            stack.freeze(name)
            frozen_names.append(name)
        yield
    finally:
        for name in frozen_names:
            stack.resume(name)


@contextmanager
def stopped(stack: Stack, name: str) -> Iterator[None]:
    stack.stop(name)
    try:
        yield
    finally:
        stack.start(name)


def wait_until_ready(stack: Stack) -> None:
    until(stack.is_ready, within=TIMEOUT_SECONDS, what="the site is ready again")
