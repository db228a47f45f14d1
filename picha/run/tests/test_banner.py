from pathlib import Path

from picha.run.banner import banner
from picha.run.plan import read_plan
from picha.run.tests.plans import plan_of
from picha.secret_files import operator_password


def test_the_banner_has_the_addresses_the_password_and_the_logs(tmp_path: Path) -> None:
    text = banner(plan_of(tmp_path, PORT="9000"), environment={}, is_first_run=True)

    for part in (
        "http://127.0.0.1:9000/\n",
        "http://127.0.0.1:9002/\n",
        "http://127.0.0.1:9000/ops/\n",
        "operator\n",
        (tmp_path / "operator-password").read_text().strip(),
        str(tmp_path / "log"),
        "Ctrl-C",
    ):
        assert part in text


def test_a_given_password_is_not_printed(tmp_path: Path) -> None:
    text = banner(
        plan_of(tmp_path), environment={"OPERATOR_PASSWORD": "correct horse"}, is_first_run=True
    )

    assert "correct horse" not in text
    assert "OPERATOR_PASSWORD" in text
    assert not (tmp_path / "operator-password").exists()


def test_a_later_run_prints_where_the_password_is(tmp_path: Path) -> None:
    password = operator_password(tmp_path)

    text = banner(plan_of(tmp_path), environment={}, is_first_run=False)

    assert password not in text
    assert str(tmp_path / "operator-password") in text


def test_there_is_no_mailbox_if_another_mail_server_is_set(tmp_path: Path) -> None:
    assert "Mailbox" not in banner(
        plan_of(tmp_path, EMAIL_URL="smtp://m.example"), environment={}, is_first_run=True
    )


def test_the_banner_of_the_services_has_the_three_commands() -> None:
    text = banner(
        read_plan({}, services_only=True),
        environment={"OPERATOR_PASSWORD": "known"},
        is_first_run=True,
    )

    assert "\n  celery -A picha worker -l info\n" in text
    assert "\n  celery -A picha beat -l info\n" in text
    assert "\n  python manage.py runserver\n" in text


def test_the_commands_set_the_port_and_the_folder_of_the_services(tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "my site", services_only=True, PORT="9000")

    text = banner(plan, environment={}, is_first_run=True)

    variables = f"PORT=9000 VAR_DIR='{tmp_path}/my site' "
    assert f"  {variables}celery -A picha worker -l info\n" in text
    assert f"  {variables}python manage.py runserver 9000\n" in text
