"""What this process does when rows change, and when Celery says that something happens."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from celery.signals import heartbeat_sent, worker_process_shutdown
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from realtime.bus.bus import bus, drain
from realtime.signals import jobs_changed, jobs_queued


@receiver(jobs_queued)
def publish(ids: Sequence[UUID], **_: Any) -> None:
    bus().publish(ids)


@receiver(jobs_changed)
def announce(ids: Sequence[UUID], **_: Any) -> None:
    bus().announce(ids)


@receiver(user_logged_out)
def doubt_user(user: Any, **_: Any) -> None:
    if user is not None:
        bus().doubt(user.pk)


@receiver((post_save, post_delete), sender=settings.AUTH_USER_MODEL)
def doubt_saved(instance: Any, **how: Any) -> None:
    """A password, a right or the account itself may have changed; a login changes none of them."""
    if not how.get("created") and how.get("update_fields") != frozenset({"last_login"}):
        transaction.on_commit(partial(bus_doubts, instance.pk))


@receiver(m2m_changed)
def doubt_rights(sender: Any, action: str, **_: Any) -> None:
    if action.startswith("post_") and sender in _rights():
        transaction.on_commit(partial(bus_doubts, None))


def bus_doubts(user_id: int | None) -> None:
    bus().doubt(user_id)


def _rights() -> set[Any]:
    """The tables that say what users and groups may do."""
    user = get_user_model()
    fields = ("groups", "user_permissions")
    tables = {getattr(user, name).through for name in fields if hasattr(user, name)}
    return {*tables, Group.permissions.through}


@heartbeat_sent.connect
def keep_alive(sender: Any, **_: Any) -> None:
    """A worker's consumer is alive and connected: Celery sends this every two seconds."""
    bus().beat(sender.eventer.hostname)


@worker_process_shutdown.connect
def drain_child(**_: Any) -> None:
    drain()
