from collections.abc import Iterator
from typing import Any

import pytest
from django.core.mail.utils import DNS_NAME
from pytest_django import Settings

from feedback.smtp_backend import EmailBackend
from feedback.tests.fake_mail_server import (
    SHORT_TIMEOUT,
    FakeMailServer,
    run_server,
    stop_responding,
)


@pytest.fixture(autouse=True)
def _feedback_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FEEDBACK_RECIPIENTS = ["team@picha.example"]
    settings.DEFAULT_FROM_EMAIL = "Picha <site@picha.example>"
    settings.FEEDBACK_MIN_SECONDS = 0.0
    settings.SITE_URL = "https://picha.example"
    # Without a name here, Django asks the DNS for the name of this machine.
    monkeypatch.setattr(DNS_NAME, "_fqdn", "test.example", raising=False)


@pytest.fixture
def fake_mail_server(
    settings: Settings, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeMailServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_HOST_USER = "127.0.0.1", ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    # Short only in tests that wait for it, because a busy machine responds slowly.
    callspec = getattr(request.node, "callspec", None)
    needs_timeout = callspec is not None and stop_responding in callspec.params.values()
    settings.EMAIL_TIMEOUT = SHORT_TIMEOUT if needs_timeout else 60
    # The server may change the setting, but Django's backend reads it only once: make each
    # connection read it.
    timeout = property(lambda _: settings.EMAIL_TIMEOUT, lambda *_: None)
    monkeypatch.setattr(EmailBackend, "timeout", timeout, raising=False)
    server = FakeMailServer()
    with run_server(server) as port:
        settings.EMAIL_PORT = port
        yield server


@pytest.fixture
def form_data() -> dict[str, Any]:
    return {"email": "ann@visitor.example", "message": "The photos are lovely.", "topic": ""}
