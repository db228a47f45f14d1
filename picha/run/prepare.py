"""Makes the database, the static files and the operator ready. A process of its own: what it
loads and opens is gone before anything else starts."""

import hashlib
import os
from importlib.metadata import version
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
    """A password that is given is set; one that was made here, or changed since, is left alone."""
    users = get_user_model().objects
    operator = users.filter(username=OPERATOR).first()
    if operator is None:
        users.create_superuser(
            username=OPERATOR, password=password or operator_password(settings.VAR_DIR)
        )
    elif password and not operator.check_password(password):
        operator.set_password(password)
        operator.save(update_fields=["password"])


def collect_static() -> None:
    """Hashing and compressing takes seconds, so only when a file has changed."""
    stamp, state = Path(settings.STATIC_ROOT) / ".state", _state_of_static_files()
    if stamp.exists() and stamp.read_text("utf-8") == state:
        return
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(state, "utf-8")


def _state_of_static_files() -> str:
    state = hashlib.sha256(version("whitenoise").encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            found = Path(storage.path(name)).stat()
            state.update(f"{name}\0{found.st_mtime_ns}\0{found.st_size}\0".encode())
    return state.hexdigest()


if __name__ == "__main__":
    django.setup()
    prepare()
