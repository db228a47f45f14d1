from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from picha.run import prepare

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def var_dir(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


def operator() -> User:
    return User.objects.get(username="operator")


def test_the_operator_gets_the_password_that_the_banner_shows(tmp_path: Path) -> None:
    prepare.ensure_operator(password="")

    assert operator().is_superuser
    assert operator().is_staff
    assert operator().check_password((tmp_path / "operator-password").read_text().strip())


def test_a_given_password_is_set_for_a_new_and_for_an_existing_operator(tmp_path: Path) -> None:
    prepare.ensure_operator(password="the first")
    assert operator().check_password("the first")

    prepare.ensure_operator(password="the second")
    assert operator().check_password("the second")
    assert not (tmp_path / "operator-password").exists()


def test_a_password_that_was_changed_in_the_admin_stays() -> None:
    prepare.ensure_operator(password="")
    changed = operator()
    changed.set_password("changed in the admin")
    changed.save()

    prepare.ensure_operator(password="")

    assert operator().check_password("changed in the admin")


def test_static_files_are_collected_only_when_one_has_changed(
    settings: Settings, tmp_path: Path
) -> None:
    commands: list[str] = []

    def run_command(name: str, **options: object) -> None:
        commands.append(name)
        settings.STATIC_ROOT.mkdir(exist_ok=True)

    settings.STATIC_ROOT = tmp_path / "static"
    source = tmp_path / "source"
    source.mkdir()
    settings.STATICFILES_DIRS = [source]
    (source / "a.css").write_text("a {}")

    prepare.collect_static(run_command=run_command)
    prepare.collect_static(run_command=run_command)
    assert commands == ["collectstatic"]

    (source / "a.css").write_text("a { color: red }")
    prepare.collect_static(run_command=run_command)
    assert commands == ["collectstatic"] * 2
