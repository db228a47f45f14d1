"""Faults of the running site, each undone at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from picha.tests.stack import PATIENCE, Stack
from realtime.tests.polling import until


@contextmanager
def frozen(stack: Stack, *names: str) -> Iterator[None]:
    """Alive, but doing nothing."""
    for name in names:
        stack.freeze(name)
    try:
        yield
    finally:
        for name in names:
            stack.thaw(name)


@contextmanager
def stopped(stack: Stack, name: str) -> Iterator[None]:
    stack.stop(name)
    try:
        yield
    finally:
        stack.start(name)


def wait_until_well(stack: Stack) -> None:
    until(lambda: _is_well(stack), within=PATIENCE, what="the site is ready again")


def _is_well(stack: Stack) -> bool:
    try:
        ready = stack.get("/readyz").is_success
    except httpx.TransportError:
        return False
    return ready and all(program.is_running for program in stack.control.programs().values())
