from pathlib import Path

import pytest

from picha.run.plan import HOME, read_plan, site_environment
from picha.run.tests.plans import plan_of


def test_by_default_every_program_runs() -> None:
    plan = read_plan({}, services_only=False)

    assert plan.var_dir == HOME / "var"
    assert plan.site_url == "http://127.0.0.1:8000"
    assert plan.programs == ("valkey", "smtp", "mailbox", "sandbox", "web", "worker", "beat")
    assert plan.ports == {"web": 8000, "smtp": 8001, "mailbox": 8002, "sandbox": 8003}


def test_each_program_has_a_configuration_file() -> None:
    for program in read_plan({}, services_only=False).programs:
        text = (HOME / "picha" / "programs" / f"{program}.conf").read_text("utf-8")
        assert f"program:{program}]" in text
        assert "autorestart = true" in text
        assert f"/{program}.log" in text


def test_services_only() -> None:
    plan = read_plan({}, services_only=True)

    assert plan.programs == ("valkey", "smtp", "mailbox", "sandbox")
    assert 8000 not in plan.ports.values()


def test_a_service_that_runs_elsewhere_is_not_started() -> None:
    variables = {
        "REDIS_URL": "redis://redis.example",
        "EMAIL_URL": "smtp://mail.example",
        "FLICKR_SOURCE": "feed",
    }

    assert read_plan(variables, services_only=False).programs == ("web", "worker", "beat")


def test_a_bad_port_ends_with_a_sentence() -> None:
    with pytest.raises(SystemExit, match="PORT is 'x': it must be a whole number"):
        read_plan({"PORT": "x"}, services_only=False)


def test_the_site_runs_without_debug_and_with_a_generated_key(tmp_path: Path) -> None:
    environment = site_environment(plan_of(tmp_path), variables={"PATH": "/bin"})

    assert environment["DEBUG"] == "off"
    assert environment["SECRET_KEY"] == (tmp_path / "secret-key").read_text().strip()
    assert environment["VAR_DIR"] == str(tmp_path)
    assert environment["PATH"] == "/bin"


def test_variables_that_the_user_has_set_stay(tmp_path: Path) -> None:
    variables = {"DEBUG": "on", "SECRET_KEY": "chosen by the user", "LOG_LEVEL": "DEBUG"}

    environment = site_environment(plan_of(tmp_path), variables=variables)

    assert {name: environment[name] for name in variables} == variables
    assert not (tmp_path / "secret-key").exists()
