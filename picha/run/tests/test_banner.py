from pathlib import Path

from picha.run.banner import banner
from picha.run.plan import read_plan
from picha.run.tests.plans import plan_of


def test_it_says_where_everything_is(tmp_path: Path) -> None:
    text = banner(plan_of(tmp_path, PORT="9000"), environment={})

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


def test_a_password_that_was_given_is_not_repeated(tmp_path: Path) -> None:
    text = banner(plan_of(tmp_path), environment={"OPERATOR_PASSWORD": "correct horse"})

    assert "correct horse" not in text
    assert "OPERATOR_PASSWORD" in text
    assert not (tmp_path / "operator-password").exists()


def test_no_mailbox_where_mail_goes_elsewhere(tmp_path: Path) -> None:
    assert "Mailbox" not in banner(plan_of(tmp_path, EMAIL_URL="smtp://m.example"), environment={})


def test_the_services_come_with_the_three_commands() -> None:
    text = banner(read_plan({}, services_only=True), environment={"OPERATOR_PASSWORD": "known"})

    assert "\n  celery -A picha worker -l info\n" in text
    assert "\n  celery -A picha beat -l info\n" in text
    assert "\n  python manage.py runserver\n" in text


def test_elsewhere_the_commands_are_told_where(tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "my site", services_only=True, PORT="9000")

    text = banner(plan, environment={})

    told = f"PORT=9000 VAR_DIR='{tmp_path}/my site' "
    assert f"  {told}celery -A picha worker -l info\n" in text
    assert f"  {told}python manage.py runserver 9000\n" in text
