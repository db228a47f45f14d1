from collections.abc import Iterator
from typing import Any

import pytest
from django.core.mail.utils import DNS_NAME
from pytest_django import Settings

from feedback.smtp_backend import EmailBackend
from feedback.tests.fake_mail_server import SILENCE, FakeMailServer, fall_silent, running


@pytest.fixture(autouse=True)
def plain_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FEEDBACK_RECIPIENTS = ["team@picha.example"]
    settings.DEFAULT_FROM_EMAIL = "Picha <site@picha.example>"
    settings.FEEDBACK_MIN_SECONDS = 0.0
    settings.SITE_URL = "https://picha.example"
    # Django asks the network for this machine's name.
    monkeypatch.setattr(DNS_NAME, "_fqdn", "test.example", raising=False)


@pytest.fixture
def fake_mail_server(
    settings: Settings, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeMailServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_HOST_USER = "127.0.0.1", ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    # Short only where it is to run out, since a busy machine may keep anyone waiting.
    cases = getattr(request.node, "callspec", None)
    is_silent = cases is not None and fall_silent in cases.params.values()
    settings.EMAIL_TIMEOUT = SILENCE if is_silent else 60
    # Django's backend keeps what it was made with, and the server may change it: each connection
    # asks anew.
    timeout = property(lambda _: settings.EMAIL_TIMEOUT, lambda *_: None)
    monkeypatch.setattr(EmailBackend, "timeout", timeout, raising=False)
    server = FakeMailServer()
    with running(server) as port:
        settings.EMAIL_PORT = port
        yield server


@pytest.fixture
def form_data() -> dict[str, Any]:
    return {"email": "ann@visitor.example", "message": "The photos are lovely.", "topic": ""}
