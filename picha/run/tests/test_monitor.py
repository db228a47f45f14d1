from pathlib import Path

import pytest

from picha.run.control import Program
from picha.run.monitor import all_up, changes, last_line, parts_down
from picha.run.tests.plans import plan_of
from realtime.tests.support.ports import free_port


def program(name: str = "worker", state: str = "RUNNING", pid: int = 7) -> dict[str, Program]:
    return {name: Program(name=name, state=state, pid=pid)}


def test_programs_that_keep_running_print_nothing(tmp_path: Path) -> None:
    assert list(changes(program(), program(), plan=plan_of(tmp_path))) == []
    assert list(changes({}, program(), plan=plan_of(tmp_path))) == []


def test_a_restarted_program_is_printed_with_the_path_of_its_log(tmp_path: Path) -> None:
    (line,) = changes(program(), program(pid=8), plan=plan_of(tmp_path))

    assert line.startswith("worker had ended and was started again.")
    assert str(tmp_path / "log" / "worker.log") in line


def test_a_program_that_stays_down_is_printed_once_with_the_last_line_of_its_log(
    tmp_path: Path,
) -> None:
    plan = plan_of(tmp_path)
    plan.logs.mkdir()
    plan.log_of("worker").write_text("Traceback\nKeyError: 'x'\n")
    fatal = program(state="FATAL", pid=0)

    (line,) = changes(program(), fatal, plan=plan)

    assert "worker ends each time it is started" in line
    assert "KeyError" in line
    assert str(plan.log_of("worker")) in line
    assert list(changes(fatal, fatal, plan=plan)) == []


def test_all_up_means_every_program_of_the_plan(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    programs = {name: program(name)[name] for name in plan.programs}

    assert all_up(programs, plan=plan)
    assert not all_up(programs | program("beat", "STARTING"), plan=plan)
    assert not all_up(program("web"), plan=plan)


def test_a_site_that_does_not_answer_is_down(tmp_path: Path) -> None:
    assert parts_down(plan_of(tmp_path, PORT=str(free_port()))) == ["web"]


@pytest.mark.parametrize(
    ("text", "last"), [("", ""), ("one\ntwo\n\n  \n", "two"), ("\x00\n", "\x00"), ("\udcff", "?")]
)
def test_the_last_line_that_is_not_blank(tmp_path: Path, text: str, last: str) -> None:
    log = tmp_path / "web.log"
    log.write_text(text, "utf-8", errors="replace")

    assert last_line(log) == last


def test_a_log_that_does_not_exist_has_no_last_line(tmp_path: Path) -> None:
    assert last_line(tmp_path / "web.log") == ""
