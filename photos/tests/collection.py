"""Photos for tests of what is shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

from photos import thumbnail_files
from photos.models import Photo

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
DIGEST = "0123456789abcdef"


def photo(number: int = 1, **fields: Any) -> Photo:
    usual: dict[str, Any] = {
        "flickr_id": str(1000 + number),
        "title": f"Photo {number}",
        "owner_nsid": "44080248@N03",
        "owner_name": "Marta",
        "uploaded_at": START + timedelta(minutes=number),
        "page_url": f"https://www.flickr.com/photos/marta/{1000 + number}/",
        "image_urls": [f"https://live.staticflickr.com/1/{1000 + number}_0123456789_z.jpg"],
        "picture": f"{1000 + number}_0123456789",
        "thumbnail": DIGEST,
        "thumbnail_of": f"{1000 + number}_0123456789",
        "thumbnail_width": 640,
        "thumbnail_height": 480,
    }
    return Photo.objects.create(**usual | fields)


def photos(number: int) -> None:
    for one in range(number):
        photo(one)


def with_file(one: Photo, content: bytes = b"webp") -> Photo:
    path = thumbnail_files.path_of(one.flickr_id, one.thumbnail)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return one
