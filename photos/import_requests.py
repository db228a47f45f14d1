"""Starts imports and lists them, for the views and the first_import command."""

import uuid
from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse

from photos.models import ImportRequest, Photo
from photos.tags import joined
from photos.tasks import FIRST_LIMIT, ON_DEMAND, SCHEDULED, import_photos
from realtime.jobs import enqueue
from realtime.models import Job
from realtime.states import FINISHED, Visibility

LIST_LENGTH: Final = 10


def public_imports() -> QuerySet[Job]:
    return Job.objects.filter(task__in=(ON_DEMAND, SCHEDULED), visibility=Visibility.PUBLIC)


def running() -> Job | None:
    """The public import that the gallery shows while it runs."""
    return public_imports().exclude(state__in=FINISHED).order_by("id").first()


def recent_public_imports() -> list[Job]:
    return list(public_imports()[:LIST_LENGTH])


def recent_imports_of(owner: User) -> list[Job]:
    return list(Job.objects.filter(owner=owner, task=ON_DEMAND)[:LIST_LENGTH])


def start(*, owner: User, token: uuid.UUID, tags: tuple[str, ...], limit: int) -> uuid.UUID:
    """Return the id of the import's job. The same form sent again gives the same job."""
    fields = {"owner_id": owner.pk, "token": token, "tags": joined(tags), "limit": limit}
    try:
        with transaction.atomic():
            job = enqueue(
                import_photos,
                kwargs={"tags": joined(tags), "limit": limit},
                owner=owner,
                title=title(tags=tags, limit=limit),
                subject_url=reverse("photos:list"),
            )
            ImportRequest.objects.create(**fields, job_id=job.pk)
    except IntegrityError:
        return ImportRequest.objects.get(**fields).job_id
    return job.pk


def start_first() -> Job | None:
    """Start the import that fills a new site; None if there are photos or an import runs."""
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
    text = f"Import {limit} photo{'' if limit == 1 else 's'}"
    return f"{text} tagged {', '.join(tags)}"[:255] if tags else text
