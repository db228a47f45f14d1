from pathlib import Path

import pytest
from django.conf import settings

from picha.tests.settings_process import read_settings, startup_error


def test_the_defaults_are_enough(tmp_path: Path) -> None:
    values = read_settings(
        tmp_path, "DEBUG", "SITE_URL", "SECRET_KEY", "REDIS_URL", "CELERY_BROKER_URL"
    )

    assert values["DEBUG"] is True
    assert values["SITE_URL"] == "http://127.0.0.1:8000"
    assert values["SECRET_KEY"] == (tmp_path / "secret-key").read_text().strip()
    assert values["REDIS_URL"].startswith("unix:///")
    assert values["CELERY_BROKER_URL"].startswith("redis+socket:///")


def test_all_invalid_values_are_reported_together(tmp_path: Path) -> None:
    invalid = {
        "PORT": "many",
        "DEBUG": "perhaps",
        "SITE_URL": "photos.example",
        "REDIS_URL": "http://redis.example",
        "BROKER_URL": "kafka://broker.example",
        "DATABASE_URL": "mysql://host/name",
        "EMAIL_URL": "carrier-pigeon://roof",
        "DEFAULT_FROM_EMAIL": "nobody",
        "FEEDBACK_RECIPIENTS": "me, you",
        "FLICKR_SOURCE": "instagram",
        "FLICKR_API_URL": "flickr",
        "FLICKR_FEED_URL": "flickr",
        "FLICKR_IMPORT_MAX": "0",
        "FLICKR_PICTURE_PIXELS_MAX": "1048575",
        "CSRF_TRUSTED_ORIGINS": "*.example",
        "LOG_LEVEL": "loud",
        "REALTIME_LEASE": "-1",
    }

    error = startup_error(tmp_path, **invalid)

    for name, value in invalid.items():
        assert f"  {name} is {value!r}: it must be " in error


def test_a_secret_key_is_required_without_debug(tmp_path: Path) -> None:
    assert "SECRET_KEY is not set" in startup_error(tmp_path, DEBUG="off")
    assert not (tmp_path / "secret-key").exists()


def test_the_flickr_api_needs_a_key(tmp_path: Path) -> None:
    assert "FLICKR_API_KEY is not set" in startup_error(tmp_path, FLICKR_SOURCE="api")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    assert "set VAR_DIR to another folder" in startup_error(file / "var")


def test_https_makes_cookies_secure(tmp_path: Path) -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")

    http = read_settings(tmp_path, *names)
    https = read_settings(tmp_path, *names, SITE_URL="https://photos.example")

    assert not any(http.values())
    assert all(https.values())


def test_two_sites_on_one_machine_share_no_cookie(tmp_path: Path) -> None:
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME")

    first = read_settings(tmp_path, *names, PORT="8000")
    second = read_settings(tmp_path, *names, PORT="9000")

    assert len({*first.values(), *second.values()}) == 4


def test_rabbitmq_is_a_broker(tmp_path: Path) -> None:
    url = "amqp://guest:guest@127.0.0.1//"

    values = read_settings(tmp_path, "CELERY_BROKER_URL", BROKER_URL=url)

    assert values == {"CELERY_BROKER_URL": url}


def test_the_email_url_sets_the_mail_server(tmp_path: Path) -> None:
    values = read_settings(
        tmp_path,
        "EMAIL_BACKEND",
        "EMAIL_HOST",
        "EMAIL_PORT",
        "EMAIL_HOST_USER",
        "EMAIL_HOST_PASSWORD",
        "EMAIL_USE_TLS",
        "EMAIL_USE_SSL",
        EMAIL_URL="smtp+tls://ann:secret@mail.example:587",
    )

    assert values == {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "mail.example",
        "EMAIL_PORT": 587,
        "EMAIL_HOST_USER": "ann",
        "EMAIL_HOST_PASSWORD": "secret",
        "EMAIL_USE_TLS": True,
        "EMAIL_USE_SSL": False,
    }


def test_sending_mail_has_a_timeout() -> None:
    assert 0 < settings.EMAIL_TIMEOUT <= 15


def test_no_task_may_run_past_the_visibility_timeout() -> None:
    limits = (settings.CELERY_TASK_SOFT_TIME_LIMIT, settings.CELERY_TASK_TIME_LIMIT)

    assert sorted(limits) == list(limits)
    assert limits[-1] < settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]


@pytest.mark.parametrize("directive", ["default-src", "script-src", "style-src"])
def test_the_content_security_policy_allows_the_site_alone(directive: str) -> None:
    assert settings.CONTENT_SECURITY_POLICY["DIRECTIVES"][directive] == ["'self'"]
