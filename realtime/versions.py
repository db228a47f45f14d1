"""Which versions of other packages the code that uses their internals was tried with."""

import logging
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

log: Final = logging.getLogger(__name__)

UNKNOWN: Final = "of unknown version"


def is_tried_version(
    package: str, tried: str, *, consequence: str, installed: Callable[[str], str] = version
) -> bool:
    """Whether the installed version of `package` belongs to the minor version `tried` ("4.2").

    If not, it logs a warning, once, with `consequence`: what is switched off. A package without
    metadata, as in some frozen programs, has an unknown version.
    """
    try:
        number = installed(package)
    except PackageNotFoundError:
        number = UNKNOWN
    return _compare(package, number, tried, consequence)


@cache
def _compare(package: str, number: str, tried: str, consequence: str) -> bool:
    if number.split(".")[:2] == tried.split("."):
        return True
    log.warning("%s %s is not %s.x, the tried version: %s", package, number, tried, consequence)
    return False
