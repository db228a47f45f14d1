"""Helpers for the tests of the dashboard's pages."""

from typing import Any, Final

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from realtime.models import Job

OVERVIEW: Final = "/ops/"
EVIL: Final = "<script>alert(1)</script>"


def make_job(**fields: Any) -> Job:
    return Job.objects.create(**{"task": "t", "title": "A job", **fields})


def job_url(job: Job) -> str:
    return reverse("dashboard:job", args=[job.pk])


def client_of(user: User | None) -> Client:
    client = Client()
    if user:
        client.force_login(user)
    return client
