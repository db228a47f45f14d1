"""Names of files."""

import re
import unicodedata
from typing import Final

NAME_MAX: Final = 150
"""Characters of a file's name, its ending among them."""
FALLBACK: Final = "file"
RESERVED: Final = re.compile(r'[<>:"|?*]')


def clean_name(name: str) -> str:
    """A name that every system takes and no header or shell is confused by.

    Without folders, control characters, changes of the writing direction, and what Windows
    reserves; its ending is kept when it is cut.
    """
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C")
    plain = unicodedata.normalize("NFC", seen)  # signs may meet only now
    stem, dot, ending = RESERVED.sub("_", plain).strip(". ").rpartition(".")
    if not dot:
        stem, ending = ending, ""
    ending = dot + ending.strip(" ")[:20].rstrip(" ")
    return (stem[: NAME_MAX - len(ending)].rstrip(". ") + ending) or FALLBACK
