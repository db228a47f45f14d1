"""Names: makes the name of an attached file safe."""

import re
import unicodedata
from typing import Final

NAME_MAX: Final = 150
"""The most characters of a file's name, with its extension."""
FALLBACK: Final = "file"
RESERVED: Final = re.compile(r'[<>:"|?*]')


def clean_name(name: str) -> str:
    """A name that is valid on every system and safe in headers and shells.

    It has no folders, no control characters, no changes of the writing direction, and none of the
    characters that Windows reserves. If it is too long, it is cut before its extension.
    """
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(char for char in last if unicodedata.category(char)[0] != "C")
    plain = unicodedata.normalize("NFC", visible)  # only now may two characters combine
    stem, dot, extension = RESERVED.sub("_", plain).strip(". ").rpartition(".")
    if not dot:
        stem, extension = extension, ""
    extension = dot + extension.strip(" ")[:20].rstrip(" ")
    return (stem[: NAME_MAX - len(extension)].rstrip(". ") + extension) or FALLBACK
