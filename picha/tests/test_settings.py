import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from django.conf import settings

from feedback.conf import Conf as FeedbackConf
from photos.sandbox import config as sandbox_config
from picha.settings import env
from realtime.conf import Conf as RealtimeConf

HOME = Path(settings.BASE_DIR)
# Read by `make run` or by a process of its own, never by the site's settings.
BESIDE_THE_SETTINGS = {"OPERATOR_PASSWORD"}
SHOW = """
import json
from django.conf import settings
names = {names!r}
print(json.dumps({{name: getattr(settings, name) for name in names}}, default=str))
"""


def run(code: str, var_dir: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=HOME,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "picha.settings",
            "VAR_DIR": str(var_dir),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def read(var_dir: Path, *names: str, **variables: str) -> dict[str, Any]:
    shown = run(SHOW.format(names=names), var_dir, **variables)
    assert shown.returncode == 0, shown.stderr
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


def refusal(var_dir: Path, **variables: str) -> str:
    refused = run("from django.conf import settings; settings.DEBUG", var_dir, **variables)
    assert refused.returncode == 1, refused.stdout
    assert "Traceback" not in refused.stderr
    assert refused.stderr.startswith("Picha cannot start:\n")
    return refused.stderr


def with_sqlite(
    version: str, var_dir: Path, **variables: str
) -> "subprocess.CompletedProcess[str]":
    numbers = tuple(map(int, version.split(".")))
    pretend = f"sqlite3.sqlite_version, sqlite3.sqlite_version_info = {version!r}, {numbers!r}"
    code = f"import sqlite3; {pretend}; from django.conf import settings; settings.DEBUG"
    return run(code, var_dir, **variables)


@pytest.mark.parametrize("version", ["3.35.0", "3.35.1", "4.0.0"])
def test_an_sqlite_of_that_version_is_new_enough(tmp_path: Path, version: str) -> None:
    assert with_sqlite(version, tmp_path).returncode == 0


def test_an_sqlite_that_is_too_old_is_refused_with_a_sentence(tmp_path: Path) -> None:
    refused = with_sqlite("3.34.1", tmp_path)
    assert refused.returncode == 1
    assert refused.stderr == (
        "Picha cannot start:\n  this Python's SQLite is 3.34.1, and Picha needs 3.35 or newer: "
        "take a newer Python, or set DATABASE_URL to a PostgreSQL.\n"
    )


def test_an_old_sqlite_does_no_harm_beside_postgresql(tmp_path: Path) -> None:
    address = "postgresql://someone@127.0.0.1/site"
    assert with_sqlite("3.34.1", tmp_path, DATABASE_URL=address).returncode == 0


def test_nothing_set_works(tmp_path: Path) -> None:
    found = read(tmp_path, "DEBUG", "SITE_URL", "SECRET_KEY", "REDIS_URL", "CELERY_BROKER_URL")

    assert found["DEBUG"] is True
    assert found["SITE_URL"] == "http://127.0.0.1:8000"
    assert found["SECRET_KEY"] == (tmp_path / "secret-key").read_text().strip()
    assert found["REDIS_URL"].startswith("unix:///")
    assert found["CELERY_BROKER_URL"].startswith("redis+socket:///")


def test_every_bad_value_is_refused_with_a_sentence_at_once(tmp_path: Path) -> None:
    bad = {
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
        "CSRF_TRUSTED_ORIGINS": "*.example",
        "LOG_LEVEL": "loud",
        "REALTIME_LEASE": "-1",
    }

    told = refusal(tmp_path, **bad)

    for name, value in bad.items():
        assert f"  {name} is {value!r}: it must be " in told


def test_a_secret_key_is_required_without_debug(tmp_path: Path) -> None:
    assert "SECRET_KEY is not set" in refusal(tmp_path, DEBUG="off")
    assert not (tmp_path / "secret-key").exists()


def test_the_api_needs_a_key(tmp_path: Path) -> None:
    assert "FLICKR_API_KEY is not set" in refusal(tmp_path, FLICKR_SOURCE="api")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.touch()

    assert "set VAR_DIR to another folder" in refusal(occupied / "var")


def test_https_makes_cookies_secure(tmp_path: Path) -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS")

    plain = read(tmp_path, *names)
    safe = read(tmp_path, *names, SITE_URL="https://photos.example")

    assert not any(plain.values())
    assert all(safe.values())


def test_two_sites_on_one_machine_share_no_cookie(tmp_path: Path) -> None:
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME")

    one = read(tmp_path, *names, PORT="8000")
    other = read(tmp_path, *names, PORT="9000")

    assert len({*one.values(), *other.values()}) == 4


def test_sqlite_waits_its_turn(tmp_path: Path) -> None:
    own = read(tmp_path, "DATABASES")["DATABASES"]["default"]
    named = read(tmp_path, "DATABASES", DATABASE_URL="sqlite:////srv/p.sqlite3")["DATABASES"][
        "default"
    ]

    assert own["NAME"] == str(tmp_path / "picha.sqlite3")
    assert named["NAME"] == "/srv/p.sqlite3"
    for database in (own, named):
        assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]
        assert database["OPTIONS"]["timeout"] == 20
        assert database["CONN_MAX_AGE"] == 0


def test_postgresql_has_a_pool(tmp_path: Path) -> None:
    url = "postgresql://ann:secret@db.example/picha?sslmode=require"

    database = read(tmp_path, "DATABASES", DATABASE_URL=url)["DATABASES"]["default"]

    assert database["HOST"] == "db.example"
    assert database["OPTIONS"]["sslmode"] == "require"
    assert database["OPTIONS"]["pool"]["max_size"] > 1
    assert database["CONN_MAX_AGE"] == 0


def test_rabbitmq_is_a_broker(tmp_path: Path) -> None:
    url = "amqp://guest:guest@127.0.0.1//"

    assert read(tmp_path, "CELERY_BROKER_URL", BROKER_URL=url) == {"CELERY_BROKER_URL": url}


def test_no_task_may_run_past_the_visibility_timeout() -> None:
    limits = (settings.CELERY_TASK_SOFT_TIME_LIMIT, settings.CELERY_TASK_TIME_LIMIT)

    assert sorted(limits) == list(limits)
    assert limits[-1] < settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]


def test_the_site_forbids_foreign_scripts_and_styles() -> None:
    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]

    for kind in ("default-src", "script-src", "style-src"):
        assert policy[kind] == ["'self'"]


def documented() -> dict[str, str]:
    """Of each setting in the README's table, its default."""
    table = (HOME / "README.md").read_text("utf-8").split("## Settings")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", table, flags=re.MULTILINE))


def known() -> set[str]:
    source = Path(sandbox_config.__file__).read_text("utf-8")
    return env.names | BESIDE_THE_SETTINGS | set(re.findall(r"SANDBOX_[A-Z_]*[A-Z]", source))


def test_every_setting_is_in_the_readme() -> None:
    assert known() - documented().keys() == set()


def test_the_readme_names_no_setting_that_does_not_exist() -> None:
    assert documented().keys() - known() == set()


def test_the_readmes_defaults_are_those_of_the_apps() -> None:
    for prefix, conf in (("REALTIME_", RealtimeConf), ("FEEDBACK_", FeedbackConf)):
        for name in get_type_hints(conf):
            told = documented()[prefix + name].strip("`")
            assert float(told) == getattr(conf, name), prefix + name


def test_mail_cannot_hang() -> None:
    assert 0 < settings.EMAIL_TIMEOUT <= 15
