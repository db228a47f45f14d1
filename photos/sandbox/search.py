"""Finds photos in the catalogue, newest first unless asked otherwise."""

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

    def matches(self, one: SandboxPhoto) -> bool:
        return (
            self.min_upload <= one.uploaded <= self.max_upload
            and (not self.owner or self.owner in (one.owner.nsid, one.owner.alias))
            and (not self.licences or one.licence in self.licences)
            and (not self.text or self.text.lower() in f"{one.title} {one.description}".lower())
            and self._tagged(one)
        )

    def _tagged(self, one: SandboxPhoto) -> bool:
        wanted = [tag.strip().lower() for tag in self.tags]
        if any(tag.startswith("-") and tag[1:] in one.tags for tag in wanted):
            return False
        having = [tag in one.tags for tag in wanted if not tag.startswith("-")]
        return (all(having) if self.mode == "all" else any(having)) or not having


@dataclass(slots=True)
class Library:
    """The catalogue as it stands at this moment; `extra` photos came early."""

    config: SandboxConfig
    extra: int = 0

    def numbers(self) -> range:
        newest = newest_number(self.config) + self.extra
        return range(newest, newest - self.config.photos, -1)

    def find(self, query: Query) -> list[SandboxPhoto]:
        found = [one for one in self._all() if query.matches(one)]
        if query.oldest_first:
            found.reverse()
        return found

    def by_id(self, photo_id: str, *, first_id: int) -> SandboxPhoto | None:
        number = int(photo_id) - first_id
        # Photos that came early stay, whatever the count was when they were asked for.
        known = 0 <= number <= newest_number(self.config) + self.extra
        return photo(self.config, number) if known else None

    def _all(self) -> list[SandboxPhoto]:
        return [photo(self.config, number) for number in self.numbers() if number >= 0]
