"""Prepare: migrates the database, creates the operator and collects the static files.

`make run` runs this module as a process of its own, so that Django's memory and connections are
released before the programs start.
"""

import hashlib
import os
from collections.abc import Callable
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from picha.secret_files import operator_password

OPERATOR = "operator"


def prepare() -> None:
    call_command("migrate", interactive=False, verbosity=0)
    ensure_operator(password=os.environ.get("OPERATOR_PASSWORD", "").strip())
    if not settings.DEBUG:
        collect_static()


def ensure_operator(*, password: str) -> None:
    """Set the password if one is given; otherwise a new operator gets a generated one."""
    users = get_user_model().objects
    operator = users.filter(username=OPERATOR).first()
    if operator is None:
        users.create_superuser(
            username=OPERATOR, password=password or operator_password(settings.VAR_DIR)
        )
    elif password and not operator.check_password(password):
        operator.set_password(password)
        operator.save(update_fields=["password"])


def collect_static(*, run_command: Callable[..., object] = call_command) -> None:
    """Does nothing if no file has changed: hashing and compressing them takes seconds."""
    digest_file, digest = Path(settings.STATIC_ROOT) / ".state", _digest_of_static_files()
    if digest_file.exists() and digest_file.read_text("utf-8") == digest:
        return
    run_command("collectstatic", interactive=False, clear=True, verbosity=0)
    digest_file.write_text(digest, "utf-8")


def _digest_of_static_files() -> str:
    digest = hashlib.sha256(version("whitenoise").encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=itemgetter(0)):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{status.st_mtime_ns}\0{status.st_size}\0".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    django.setup()
    prepare()
