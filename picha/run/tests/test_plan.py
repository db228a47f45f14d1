from pathlib import Path

import pytest

from picha.run.plan import HOME, read_plan, site_environment
from picha.run.tests.plans import plan_of


def test_nothing_set_runs_everything() -> None:
    plan = read_plan({}, services_only=False)

    assert plan.var_dir == HOME / "var"
    assert plan.site_url == "http://127.0.0.1:8000"
    assert plan.programs == ("valkey", "smtp", "mailbox", "sandbox", "web", "worker", "beat")
    assert plan.ports == {"web": 8000, "smtp": 8001, "mailbox": 8002, "sandbox": 8003}


def test_each_program_has_its_configuration() -> None:
    for program in read_plan({}, services_only=False).programs:
        text = (HOME / "picha" / "programs" / f"{program}.conf").read_text("utf-8")
        assert f"program:{program}]" in text
        assert "autorestart = true" in text
        assert f"/{program}.log" in text


def test_the_services_alone() -> None:
    plan = read_plan({}, services_only=True)

    assert plan.programs == ("valkey", "smtp", "mailbox", "sandbox")
    assert 8000 not in plan.ports.values()


def test_what_is_elsewhere_is_not_started_here() -> None:
    variables = {
        "REDIS_URL": "redis://redis.example",
        "EMAIL_URL": "smtp://mail.example",
        "FLICKR_SOURCE": "feed",
    }

    assert read_plan(variables, services_only=False).programs == ("web", "worker", "beat")


def test_a_bad_port_ends_with_a_sentence() -> None:
    with pytest.raises(SystemExit, match="PORT is 'x': it must be a whole number"):
        read_plan({"PORT": "x"}, services_only=False)


def test_the_site_runs_without_debug_and_with_a_key_of_its_own(tmp_path: Path) -> None:
    ours = site_environment(plan_of(tmp_path), variables={"PATH": "/bin"})

    assert ours["DEBUG"] == "off"
    assert ours["SECRET_KEY"] == (tmp_path / "secret-key").read_text().strip()
    assert ours["VAR_DIR"] == str(tmp_path)
    assert ours["PATH"] == "/bin"


def test_what_the_user_has_set_stays(tmp_path: Path) -> None:
    theirs = {"DEBUG": "on", "SECRET_KEY": "theirs", "LOG_LEVEL": "DEBUG"}

    ours = site_environment(plan_of(tmp_path), variables=theirs)

    assert {name: ours[name] for name in theirs} == theirs
    assert not (tmp_path / "secret-key").exists()
