"""Thumbnail files: stores the thumbnail of a downloaded picture under MEDIA_ROOT.

Called by `thumbnailing`, the thumbnail view and the receiver for deleted photos. It knows no row of
the database.
"""

import hashlib
import io
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from photos import thumbnail_image


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    digest: str
    width: int
    height: int


def path_of(flickr_id: str, digest: str) -> Path:
    return Path(settings.MEDIA_ROOT) / "thumbnails" / digest[:2] / f"{flickr_id}-{digest}.webp"


def save(flickr_id: str, picture: bytes) -> Thumbnail:
    """Make and store the thumbnail of a picture. It blocks, so call it in a thread.

    Raises:
        PictureUnreadableError: the bytes are no picture, or a picture with too many pixels.
        OSError: the file cannot be written.
    """
    content, (width, height) = _decoding_thread(os.getpid()).submit(_encode, picture).result()
    digest = hashlib.sha256(content).hexdigest()[:16]
    _write(path_of(flickr_id, digest), content)
    return Thumbnail(digest=digest, width=width, height=height)


def remove(flickr_id: str, digest: str) -> None:
    if digest:
        path_of(flickr_id, digest).unlink(missing_ok=True)


@cache
def _decoding_thread(process_id: int) -> ThreadPoolExecutor:
    """The thread that decodes the pictures of this process, one after another.

    The C library keeps freed memory for each thread that has used it, so several threads would
    need several times the memory, even one at a time. A forked process has none of the threads of
    its parent, and so needs a thread of its own.
    """
    return ThreadPoolExecutor(1, thread_name_prefix="thumbnails")


def _encode(picture: bytes) -> tuple[bytes, tuple[int, int]]:
    image = thumbnail_image.make(picture)
    file = io.BytesIO()
    # Without exif, icc_profile or xmp Pillow writes none of them.
    image.save(file, "WEBP", quality=80, method=3)
    return file.getvalue(), image.size


def _write(path: Path, content: bytes) -> None:
    """Write the file completely or not at all: to a temporary file, which then replaces `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
