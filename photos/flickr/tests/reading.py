"""Reads all pages of a source."""

from photos.flickr.photo import FlickrPhoto, Page, PhotoQuery
from photos.flickr.sources import Source


async def pages_of(source: Source, query: PhotoQuery) -> list[Page]:
    return [page async for page in source.pages(query)]


async def photos_of(source: Source, query: PhotoQuery) -> list[FlickrPhoto]:
    return [photo for page in await pages_of(source, query) for photo in page.photos]


async def ids_of(source: Source, query: PhotoQuery) -> list[str]:
    return [photo.id for photo in await photos_of(source, query)]
