"""Saves the licences of photos that an import reads. Called by `ImportRun` in a thread."""

from collections.abc import Iterable

from photos import licences
from photos.flickr.api import LicenceInfo
from photos.flickr.photo import FlickrPhoto
from photos.models import Licence


def unknown_licences(photos: Iterable[FlickrPhoto]) -> set[int]:
    """The licences that only Flickr can name. Well-known ones are added to the database here."""
    numbers = {photo.licence for photo in photos if photo.licence is not None}
    new = numbers - set(Licence.objects.filter(pk__in=numbers).values_list("pk", flat=True))
    add_licences(new & licences.KNOWN.keys(), ())
    return new - licences.KNOWN.keys()


def add_licences(numbers: Iterable[int], flickr_licences: Iterable[LicenceInfo]) -> None:
    """A licence that even Flickr does not name is saved with its number as its name."""
    names = licences.KNOWN | {
        info.number: (info.name, info.url) for info in flickr_licences if info.name
    }
    rows = []
    # Always in the same order, so that two imports that insert the same rows cannot deadlock.
    for number in sorted(numbers):
        name, url = names.get(number, (f"Licence {number} of Flickr", ""))
        rows.append(Licence(number=number, name=name, url=url))
    Licence.objects.bulk_create(rows, ignore_conflicts=True)
