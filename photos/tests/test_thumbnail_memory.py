"""The memory that a process needs for thumbnails, whatever pictures it gets."""

from pathlib import Path
from typing import Any

from django.conf import settings

from photos.tests.pictures import memory_for, picture_bytes, run_code
from photos.thumbnail_image import FILE_PIXELS_MAX

MIB_MAX = 100
"""Without the limits a process grew by 2,700 MiB; how much it needs depends on its allocator."""
LARGE = (6000, 4000)
LARGEST_IN_MEMORY = (2048, 1024)

REDUCED: tuple[dict[str, Any], ...] = ({"subsampling": 0}, {"mode": "CMYK"})
REFUSED: tuple[dict[str, Any], ...] = (
    {"file_format": "PNG", "compress_level": 1},
    {"progressive": True, "mode": "L"},
)
READ_AS_A_WHOLE: tuple[dict[str, Any], ...] = (
    {"file_format": "PNG", "mode": "RGBA"},
    {"file_format": "PNG", "mode": "I;16"},
    {"file_format": "WEBP", "mode": "RGBA"},
    {"progressive": True, "subsampling": 0},
)


def test_large_pictures_need_little_memory(tmp_path: Path) -> None:
    assert LARGE[0] * LARGE[1] == FILE_PIXELS_MAX
    assert LARGEST_IN_MEMORY[0] * LARGEST_IN_MEMORY[1] == settings.FLICKR_PICTURE_PIXELS_MAX
    large = [picture_bytes(LARGE, **kind) for kind in REDUCED + REFUSED]
    others = [picture_bytes(LARGEST_IN_MEMORY, **kind) for kind in READ_AS_A_WHOLE]
    grown, widths = memory_for(tmp_path, *large, *others, *others)
    assert grown <= MIB_MAX
    assert widths == [*["640"] * 2, *["refused"] * 2, *["640"] * 8]


FORK = """
import os
import signal
import django
django.setup()

from django.conf import settings
from photos import thumbnail_files
from photos.tests.pictures import picture_bytes

settings.MEDIA_ROOT = {folder!r}
thumbnail_files.save("1", picture_bytes())
child = os.fork()
if child:
    os.waitpid(child, 0)
else:
    signal.alarm(30)
    thumbnail_files.save("2", picture_bytes())
    os._exit(0)
"""


def test_a_forked_process_makes_thumbnails_too(tmp_path: Path) -> None:
    """The worker forks its children, which have none of its threads."""
    run_code(FORK, tmp_path)
    assert len(list(tmp_path.rglob("2-*.webp"))) == 1
