"""A job's file as watchers see it."""

from django.urls import reverse

from realtime.files.storage import file_of
from realtime.models import Job
from realtime.snapshots import schema


def file_link(job: Job) -> schema.File | None:
    """As watchers see it; who has come by a watch key adds that to the address."""
    file = file_of(job)
    if file is None:
        return None
    return schema.File(name=file.name, size=file.size, url=reverse("realtime:file", args=[job.pk]))
