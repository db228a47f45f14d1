"""Receivers that pass Django's and Celery's signals to the bus."""

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
def on_jobs_queued(ids: Sequence[UUID], **_: Any) -> None:
    bus().publish(ids)


@receiver(jobs_changed)
def on_jobs_changed(ids: Sequence[UUID], **_: Any) -> None:
    bus().send_snapshots(ids)


@receiver(user_logged_out)
def check_access_after_logout(user: Any, **_: Any) -> None:
    if user is not None:
        bus().request_access_check(user.pk)


@receiver((post_save, post_delete), sender=settings.AUTH_USER_MODEL)
def check_access_after_change(instance: Any, **options: Any) -> None:
    """A password, a permission or the account may have changed; a login changes none of them."""
    if not options.get("created") and options.get("update_fields") != frozenset({"last_login"}):
        transaction.on_commit(partial(_request_access_check, instance.pk))


@receiver(m2m_changed)
def check_access_after_permission_change(sender: Any, action: str, **_: Any) -> None:
    if action.startswith("post_") and sender in _permission_tables():
        transaction.on_commit(partial(_request_access_check, None))


def _request_access_check(user_id: int | None) -> None:
    bus().request_access_check(user_id)


def _permission_tables() -> set[Any]:
    """The tables that link users and groups to their permissions."""
    user = get_user_model()
    fields = ("groups", "user_permissions")
    tables = {getattr(user, name).through for name in fields if hasattr(user, name)}
    return {*tables, Group.permissions.through}


@heartbeat_sent.connect
def handle_heartbeat(sender: Any, **_: Any) -> None:
    """Celery sends this every two seconds while a worker's consumer is alive and connected."""
    bus().handle_heartbeat(sender.eventer.hostname)


@worker_process_shutdown.connect
def drain_before_exit(**_: Any) -> None:
    drain()
