"""Deletes a job's files when its row is deleted."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from realtime.files.storage import delete_files
from realtime.models import Job


@receiver(post_delete, sender=Job)
def delete_files_of_job(instance: Job, **_: Any) -> None:
    """Django sends this also for each job of a bulk deletion, and for each deleted child job."""
    transaction.on_commit(partial(delete_files, instance.pk))
