from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from django.test import Client
from pytest_django import Settings

from photos.sandbox.app import Sandbox
from photos.tests.in_memory_flickr import HOST, SITE, new_sandbox

if TYPE_CHECKING:  # pytest may load this file before Django is set up
    from django.contrib.auth.models import User


@pytest.fixture
def media_root(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def sandbox(settings: Settings, media_root: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox in memory, which the settings of the site name as Flickr."""
    from photos import flickr_client  # noqa: PLC0415 - it needs the app registry

    settings.FLICKR_SOURCE = "sandbox"
    settings.FLICKR_API_URL = f"{SITE}/services/rest/"
    settings.FLICKR_FEED_URL = f"{SITE}/services/feeds/photos_public.gne"
    settings.FLICKR_IMAGE_HOSTS = [HOST]
    settings.FLICKR_IMPORT_MAX = 15
    sandbox = new_sandbox()
    monkeypatch.setattr(flickr_client, "new_transport", lambda: httpx.ASGITransport(app=sandbox))
    monkeypatch.setattr(flickr_client, "SECONDS_PER_REQUEST", 0)
    return sandbox


@pytest.fixture
def owner(db: None, django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user("ada")


@pytest.fixture
def signed_in(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client
