"""Jobs for the tests of `realtime.snapshots`."""

from django.utils import timezone

from realtime.models import Job
from realtime.snapshots.build import load_for_snapshots


def make_job(**fields: object) -> Job:
    fields.setdefault("published_at", timezone.now())
    return Job.objects.create(**{"task": "t", "title": "T", "queue": "celery", **fields})


def load(job: Job) -> Job:
    return load_for_snapshots([job.pk])[0]
