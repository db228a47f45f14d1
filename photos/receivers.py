"""Deletes the thumbnail file of a deleted photo."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from photos import thumbnail_files
from photos.models import Photo


@receiver(post_delete, sender=Photo)
def remove_thumbnail(sender: type[Photo], instance: Photo, **kwargs: Any) -> None:
    # After the commit, because a deletion that is rolled back must not lose the file.
    transaction.on_commit(lambda: thumbnail_files.remove(instance.flickr_id, instance.thumbnail))
