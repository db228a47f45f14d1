"""The pages of the app, and users and jobs for them."""

from typing import Any

from django.contrib.auth.models import Permission, User
from django.http import HttpResponse

from photos.tasks import ON_DEMAND, SCHEDULED
from realtime.models import Job
from realtime.states import Visibility

GALLERY = "/"
IMPORTS = "/photos/imports/"


def create_user(name: str, *permissions: str, **fields: Any) -> User:
    user = User.objects.create_user(name, password="a password", **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def create_job(**fields: Any) -> Job:
    defaults = {"task": ON_DEMAND, "title": "Import 60 photos", "queue": "celery"}
    return Job.objects.create(**defaults | fields)


def create_public_job(**fields: Any) -> Job:
    return create_job(**{"visibility": Visibility.PUBLIC, "task": SCHEDULED} | fields)


def text_of(response: Any) -> str:
    assert isinstance(response, HttpResponse)
    return response.content.decode()
