"""The models of photos, one module for each subject. Import them from here."""

from photos.models.imports import ImportMark, ImportRequest
from photos.models.licence import Licence
from photos.models.photo import PICTURE_RETRY_AFTER, PICTURE_TRIES_MAX, Photo
from photos.models.turn import Turn

__all__ = [
    "PICTURE_RETRY_AFTER",
    "PICTURE_TRIES_MAX",
    "ImportMark",
    "ImportRequest",
    "Licence",
    "Photo",
    "Turn",
]
