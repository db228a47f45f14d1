"""Pictures as bytes, and the memory that a process needs for their thumbnails."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings as site_settings
from PIL import Image

MEASURE = """
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django
django.setup()

from django.conf import settings
from photos import thumbnail_files
from photos.flickr.errors import PictureUnreadableError


def peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def save(path: Path) -> str:
    try:
        return str(thumbnail_files.save("1", path.read_bytes()).width)
    except PictureUnreadableError:
        return "refused"


settings.MEDIA_ROOT = {folder!r}
first, *others = sorted(Path({folder!r}).glob("*.picture"))
save(first)
before = peak()
with ThreadPoolExecutor(4) as pool:
    widths = list(pool.map(save, others))
print((peak() - before) // 1024, *widths)
"""


def picture_bytes(
    size: tuple[int, int] = (60, 40),
    *,
    file_format: str = "JPEG",
    mode: str = "RGB",
    color: Any = 0x80,
    **options: Any,
) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, color).save(file, file_format, **options)
    return file.getvalue()


def claim_size(jpeg: bytes, size: tuple[int, int]) -> bytes:
    """The JPEG with another width and height in its header, and the same content."""
    start = jpeg.index(b"\xff\xc0") + 5
    width, height = (side.to_bytes(2, "big") for side in size)
    return jpeg[:start] + height + width + jpeg[start + 4 :]


def memory_for(folder: Path, *pictures: bytes) -> tuple[int, list[str]]:
    """The MiB by which a process grows for these pictures, four at once, and their widths."""
    for number, picture in enumerate((picture_bytes(), *pictures)):
        (folder / f"{number:02}.picture").write_bytes(picture)
    grown, *widths = run_code(MEASURE, folder).split()
    return int(grown), widths


def run_code(code: str, folder: Path) -> str:
    """The output of the code in a process of its own; `{folder}` in it is the folder's path."""
    process = subprocess.run(
        [sys.executable, "-c", code.format(folder=str(folder))],
        cwd=site_settings.BASE_DIR,
        env=os.environ | {"VAR_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout
