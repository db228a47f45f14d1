"""Ledger: the outcome of each item of one attempt, and which items are not saved yet."""

from collections import Counter, deque
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from realtime.conf import conf
from realtime.models import Job, JobItem
from realtime.models.addresses import is_own_address
from realtime.progress.values import as_text
from realtime.serialization import clean_text, is_storable
from realtime.states import ItemState

KEY_MAX: Final = 200
IMAGE_MAX: Final = 500
LABEL_MAX: Final = 300
DETAIL_MAX: Final = 500
OUTCOME_MAX: Final = 50


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    label: str
    outcome: str
    state: ItemState
    detail: str
    image: str
    at: datetime

    def storable(self) -> "Entry":
        return replace(
            self,
            label=clean_text(self.label, LABEL_MAX),
            outcome=clean_text(self.outcome, OUTCOME_MAX),
            detail=clean_text(self.detail, DETAIL_MAX),
        )


def checked_key(value: Any, *, image: str = "") -> str:
    """The key of an item as a text.

    Raises:
        ValueError: the key or the address of the item's picture cannot be stored, or the picture
            is not one of this site.
    """
    key = str(value)
    if len(key) > KEY_MAX or not is_storable(key):
        raise ValueError(
            f"An item's key has up to {KEY_MAX} characters, without NUL and lone surrogates,"
            f" not {key!r}."
        )
    if len(image) > IMAGE_MAX or not is_storable(image):
        raise ValueError(
            f"A picture's address has up to {IMAGE_MAX} characters, without NUL and lone"
            f" surrogates, not {image!r}."
        )
    if image and not is_own_address(image):
        raise ValueError(
            f"The address of a picture is {image!r}: it must be a path of this site that begins "
            "with /, or an address below MEDIA_URL or STATIC_URL."
        )
    return key


class Ledger:
    """The task's thread calls `add` without a lock; all other calls need the lock of `Progress`.

    `add` only appends to a deque, which is atomic; `collect` updates the counts later.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._added: deque[Entry] = deque()
        self._entries: dict[str, Entry] = {}
        self._unsaved: dict[str, Entry] = {}
        self._recent: dict[str, Entry] = {}
        self._counts: Counter[str] = Counter()
        self._states: Counter[ItemState] = Counter()
        if job.attempt > 1:
            self._load()

    def add(
        self, key: str, outcome: str, state: ItemState, label: str, detail: str, image: str
    ) -> None:
        texts = as_text(label), as_text(outcome)
        self._added.append(
            Entry(key, *texts, ItemState(state), as_text(detail), image, timezone.now())
        )

    def entry(self, key: str) -> Entry | None:
        self.collect()
        return self._entries.get(key)

    def restore(self, key: str, before: Entry | None) -> None:
        """Undo the last `add` of the item `key`: it was `before`. Its saved row stays."""
        self.collect()
        entry = self._entries.pop(key)
        self._counts[entry.outcome] -= 1
        self._states[entry.state] -= 1
        self._unsaved.pop(key, None)
        self._recent.pop(key, None)
        if before:
            self._unsaved[key] = before
            self._count(before)

    def keys(self, state: ItemState) -> frozenset[str]:
        self.collect()
        return frozenset(key for key, entry in self._entries.items() if entry.state == state)

    def collect(self) -> None:
        """Count the entries that were added since the last call."""
        while self._added:
            entry = self._added.popleft().storable()
            self._unsaved[entry.key] = entry
            self._count(entry)

    def counts(self) -> dict[str, int]:
        return {outcome: count for outcome, count in self._counts.items() if count and outcome}

    @property
    def failed(self) -> int:
        """How many of the items have failed, as of the last `collect`."""
        return self._states[ItemState.FAILED]

    def recent(self) -> list[list[str]]:
        """The newest items, newest first, as `realtime.snapshots.schema.Item` takes them."""
        return [
            [entry.key, entry.label, entry.outcome, entry.state.value, entry.detail, entry.image]
            for entry in reversed(self._recent.values())
        ]

    def unsaved(self) -> list[Entry]:
        return list(self._unsaved.values())

    def save(self, entries: list[Entry]) -> None:
        """Write `entries` to the database; those that changed meanwhile stay unsaved."""
        JobItem.objects.bulk_create(
            [
                JobItem(
                    job_id=self._job.pk,
                    key=entry.key,
                    label=entry.label,
                    outcome=entry.outcome,
                    state=entry.state,
                    detail=entry.detail,
                    image=entry.image,
                    updated_at=entry.at,
                )
                for entry in entries
            ],
            batch_size=500,
            update_conflicts=True,
            unique_fields=["job", "key"],
            update_fields=["label", "outcome", "state", "detail", "image", "updated_at"],
        )

    def mark_saved(self, entries: list[Entry]) -> None:
        for entry in entries:
            if self._unsaved.get(entry.key) is entry:
                del self._unsaved[entry.key]

    def _count(self, entry: Entry) -> None:
        before = self._entries.get(entry.key)
        if before:
            self._counts[before.outcome] -= 1
            self._states[before.state] -= 1
        self._counts[entry.outcome] += 1
        self._states[entry.state] += 1
        self._entries[entry.key] = entry
        self._recent.pop(entry.key, None)
        self._recent[entry.key] = entry
        if len(self._recent) > conf.ITEMS_SHOWN:
            del self._recent[next(iter(self._recent))]

    def _load(self) -> None:
        for item in JobItem.objects.filter(job_id=self._job.pk).order_by("updated_at"):
            state = ItemState(item.state)
            self._count(
                Entry(
                    item.key,
                    item.label,
                    item.outcome,
                    state,
                    item.detail,
                    item.image,
                    item.updated_at,
                )
            )
