"""Library: finds the photos of the catalogue that match a query, newest first by default."""

from dataclasses import dataclass

from photos.sandbox.catalogue import SandboxPhoto, newest_number, photo
from photos.sandbox.config import SandboxConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    tags: tuple[str, ...] = ()
    mode: str = "any"
    text: str = ""
    owner: str = ""
    licences: frozenset[int] = frozenset()
    min_upload: float = 0
    max_upload: float = float("inf")
    oldest_first: bool = False

    def matches(self, photo: SandboxPhoto) -> bool:
        return (
            self.min_upload <= photo.uploaded <= self.max_upload
            and (not self.owner or self.owner in (photo.owner.nsid, photo.owner.alias))
            and (not self.licences or photo.licence in self.licences)
            and (not self.text or self.text.lower() in f"{photo.title} {photo.description}".lower())
            and self._matches_tags(photo)
        )

    def _matches_tags(self, photo: SandboxPhoto) -> bool:
        tags = [tag.strip().lower() for tag in self.tags]
        if any(tag.startswith("-") and tag[1:] in photo.tags for tag in tags):
            return False
        matches = [tag in photo.tags for tag in tags if not tag.startswith("-")]
        return (all(matches) if self.mode == "all" else any(matches)) or not matches


@dataclass(slots=True)
class Library:
    """The photos of the catalogue at this moment; `early_photos` appeared before their time."""

    config: SandboxConfig
    early_photos: int = 0

    def numbers(self) -> range:
        newest = newest_number(self.config) + self.early_photos
        return range(newest, newest - self.config.photos, -1)

    def find(self, query: Query) -> list[SandboxPhoto]:
        photos = [photo for photo in self._all() if query.matches(photo)]
        if query.oldest_first:
            photos.reverse()
        return photos

    def by_id(self, photo_id: str, *, first_id: int) -> SandboxPhoto | None:
        number = int(photo_id) - first_id
        # Photos that appeared early stay available.
        exists = 0 <= number <= newest_number(self.config) + self.early_photos
        return photo(self.config, number) if exists else None

    def _all(self) -> list[SandboxPhoto]:
        return [photo(self.config, number) for number in self.numbers() if number >= 0]
