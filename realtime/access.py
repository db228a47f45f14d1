"""Access: who may watch a job and act on it, and the watch keys in links.

HTTP views, Server-Sent Events and WebSockets all decide with `Viewer`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core import signing
from django.http.response import HttpResponseBase
from django.urls import reverse

from realtime.conf import conf
from realtime.models import Job
from realtime.states import Visibility

R = TypeVar("R", bound=HttpResponseBase)

OPERATOR_PERMISSION: Final = "realtime.view_job"
ACTION_PERMISSION: Final = "realtime.change_job"


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="realtime.watch")


def watch_key(job_id: UUID) -> str:
    """A key that lets anyone watch one job: a signature of its id.

    It expires `REALTIME_WATCH_KEY_MAX_AGE` seconds after it was made.
    """
    return _signer().sign(job_id.hex).removeprefix(f"{job_id.hex}:")


def is_valid_watch_key(key: str, job_id: UUID) -> bool:
    """Whether `key` is a watch key of this job that has not expired."""
    try:
        _signer().unsign(f"{job_id.hex}:{key}", max_age=conf.WATCH_KEY_MAX_AGE)
    except signing.BadSignature:
        return False
    return True


def job_url(job_id: UUID, *, key: bool = False) -> str:
    """The URL of the job's page. With `key=True` it contains a watch key."""
    url = reverse("realtime:job", args=[job_id])
    return f"{url}?key={watch_key(job_id)}" if key else url


@dataclass(frozen=True)
class Viewer:
    """The person who asks.

    It is created once for each request or socket, because permissions cost queries.
    """

    user_id: int | None = None
    is_operator: bool = False
    may_act_on_all: bool = False

    @classmethod
    def of(cls, user: AbstractBaseUser | AnonymousUser) -> "Viewer":
        if not user.is_authenticated or not user.is_active:
            return cls()
        operates = is_operator(user)
        return cls(
            user_id=user.pk,
            is_operator=operates,
            may_act_on_all=operates and has_permission(user, ACTION_PERMISSION),
        )

    def may_watch(self, job: Job, *, key: str = "") -> bool:
        return (
            self.is_operator
            or job.visibility == Visibility.PUBLIC
            or self._owns(job)
            or _is_key_of(key, job)
        )

    def may_act_on(self, job: Job) -> bool:
        """Whether the viewer may cancel the job and run it again."""
        return self.may_act_on_all or self._owns(job)

    def _owns(self, job: Job) -> bool:
        return self.user_id is not None and job.owner_id == self.user_id


def _is_key_of(key: str, job: Job) -> bool:
    """Whether `key` is a watch key of `job` or of one of its ancestors."""
    if key == "":
        return False
    if is_valid_watch_key(key, job.pk) or (
        job.parent_id is not None and is_valid_watch_key(key, job.parent_id)
    ):
        return True  # found without a query
    return job.parent is not None and _is_key_of(key, job.parent)


def load_ancestors(jobs: Iterable[Job]) -> None:
    """Load the ancestors of these jobs, with one query for each level.

    `may_watch` needs them, also on the event loop, where no query can be made.
    """
    children = list(jobs)
    while ids := {job.parent_id for job in children if job.parent_id}:
        parents = Job.objects.only("parent_id").in_bulk(ids)
        for job in children:
            if job.parent_id:
                job.parent = parents.get(job.parent_id)
        children = list(parents.values())


def is_operator(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether the user is active, is staff and has the permission to view jobs."""
    return bool(
        user.is_active
        and getattr(user, "is_staff", False)
        and has_permission(user, OPERATOR_PERMISSION)
    )


def has_permission(user: AbstractBaseUser | AnonymousUser, permission: str) -> bool:
    return bool(getattr(user, "has_perm", lambda _: False)(permission))


def keep_private(response: R) -> R:
    """Keep a URL with a watch key out of caches, referrers and search engines."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
