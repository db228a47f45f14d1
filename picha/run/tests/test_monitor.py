from pathlib import Path

from picha.run.control import Program
from picha.run.monitor import all_up, news, what_is_down
from picha.run.tests.plans import plan_of
from realtime.tests.ports import free_port


def program(name: str = "worker", state: str = "RUNNING", pid: int = 7) -> dict[str, Program]:
    return {name: Program(name=name, state=state, pid=pid)}


def test_nothing_new_is_not_told(tmp_path: Path) -> None:
    assert list(news(program(), program(), plan=plan_of(tmp_path))) == []
    assert list(news({}, program(), plan=plan_of(tmp_path))) == []


def test_a_program_that_was_started_again_is_told_with_its_log(tmp_path: Path) -> None:
    (line,) = news(program(), program(pid=8), plan=plan_of(tmp_path))

    assert line.startswith("worker had ended and was started again.")
    assert str(tmp_path / "log" / "worker.log") in line


def test_a_program_that_was_given_up_is_told_once_with_its_last_words(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    plan.logs.mkdir()
    plan.log_of("worker").write_text("Traceback\nKeyError: 'x'\n")
    fatal = program(state="FATAL", pid=0)

    (line,) = news(program(), fatal, plan=plan)

    assert "worker does not stay up" in line
    assert "KeyError" in line
    assert str(plan.log_of("worker")) in line
    assert list(news(fatal, fatal, plan=plan)) == []


def test_all_up_means_each_of_the_plan(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    everything = {name: program(name)[name] for name in plan.programs}

    assert all_up(everything, plan=plan)
    assert not all_up(everything | program("beat", "STARTING"), plan=plan)
    assert not all_up(program("web"), plan=plan)


def test_a_site_that_does_not_answer_is_down(tmp_path: Path) -> None:
    assert what_is_down(plan_of(tmp_path, PORT=str(free_port()))) == ["web"]
