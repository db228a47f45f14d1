"""Creates photos in the database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from photos import thumbnail_files
from photos.models import Photo

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
DIGEST = "0123456789abcdef"


def create_photo(number: int = 1, **fields: Any) -> Photo:
    defaults: dict[str, Any] = {
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
    return Photo.objects.create(**defaults | fields)


def create_photos(count: int) -> None:
    for number in range(count):
        create_photo(number)


def create_photo_with_file(content: bytes = b"webp") -> Photo:
    photo = create_photo()
    path = thumbnail_files.path_of(photo.flickr_id, photo.thumbnail)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return photo
