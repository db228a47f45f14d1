"""Starts imports, and knows which there are."""

import uuid
from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse

from photos.models import ImportRequest, Photo
from photos.tags import joined
from photos.tasks import FIRST_LIMIT, ON_DEMAND, SCHEDULED, import_photos
from realtime.enqueue import enqueue
from realtime.models import Job
from realtime.states import FINISHED, Visibility

LISTED: Final = 10


def public() -> QuerySet[Job]:
    return Job.objects.filter(task__in=(ON_DEMAND, SCHEDULED), visibility=Visibility.PUBLIC)


def running() -> Job | None:
    """The public import that a visitor of the gallery may see at work."""
    return public().exclude(state__in=FINISHED).order_by("id").first()


def recent_public() -> list[Job]:
    return list(public()[:LISTED])


def recent_of(owner: User) -> list[Job]:
    return list(Job.objects.filter(owner=owner, task=ON_DEMAND)[:LISTED])


def start(*, owner: User, token: uuid.UUID, tags: tuple[str, ...], limit: int) -> uuid.UUID:
    """The id of the import's job; the same one however often the same form is sent."""
    wish = {"owner_id": owner.pk, "token": token, "tags": joined(tags), "limit": limit}
    try:
        with transaction.atomic():
            job = enqueue(
                import_photos,
                kwargs={"tags": joined(tags), "limit": limit},
                owner=owner,
                title=title(tags=tags, limit=limit),
                subject_url=reverse("photos:list"),
            )
            ImportRequest.objects.create(**wish, job_id=job.pk)
    except IntegrityError:
        return ImportRequest.objects.get(**wish).job_id
    return job.pk


def start_first() -> Job | None:
    """The import that fills a new site; None when the site is not new, or has one coming."""
    if Photo.objects.exists() or running():
        return None
    return enqueue(
        import_photos,
        kwargs={"tags": "", "limit": FIRST_LIMIT},
        visibility=Visibility.PUBLIC,
        title=f"Import the first {FIRST_LIMIT} photos from Flickr",
        subject_url=reverse("photos:list"),
    )


def title(*, tags: tuple[str, ...], limit: int) -> str:
    what = f"Import {limit} photo{'' if limit == 1 else 's'}"
    return f"{what} tagged {', '.join(tags)}"[:255] if tags else what
