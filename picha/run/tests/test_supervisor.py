import re
from pathlib import Path

from picha.run.plan import HOME
from picha.run.supervisor import configuration_variables
from picha.run.tests.plans import plan_of


def test_every_variable_of_the_configuration_is_set(tmp_path: Path) -> None:
    files = [HOME / "picha/supervisord.conf", *(HOME / "picha/programs").glob("*.conf")]
    used = {
        name
        for file in files
        for name in re.findall(r"%\(ENV_(PICHA_\w+)\)s", file.read_text("utf-8"))
    }
    assert used == configuration_variables(plan_of(tmp_path)).keys()
