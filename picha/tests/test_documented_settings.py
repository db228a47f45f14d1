"""The README's table of settings and the settings that the code reads are the same."""

import ast
import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from feedback.conf import Conf as FeedbackConf
from photos.sandbox import config as sandbox_config
from picha import settings
from picha.tests.settings_process import HOME, run_code
from realtime.conf import Conf as RealtimeConf

READ_BY_MAKE_RUN = {"OPERATOR_PASSWORD"}

APP_SETTINGS = {
    **{f"REALTIME_{name}": kind for name, kind in get_type_hints(RealtimeConf).items()},
    **{f"FEEDBACK_{name}": kind for name, kind in get_type_hints(FeedbackConf).items()},
}
"""The settings that an app declares in its `conf`, with their types."""

PRINT_CONF = """
import json
from feedback.conf import conf as feedback
from realtime.conf import conf as realtime

confs = {{"FEEDBACK": feedback, "REALTIME": realtime}}
values = {{}}
for name in {names!r}:
    app, _, setting = name.partition("_")
    values[name] = getattr(confs[app], setting)
print(json.dumps(values))
"""


def documented() -> dict[str, str]:
    """The name and the default of each setting in the README's table."""
    table = (HOME / "README.md").read_text("utf-8").split("## Settings")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", table, flags=re.MULTILINE))


def read_by_the_code() -> set[str]:
    source = Path(sandbox_config.__file__).read_text("utf-8")
    sandbox = set(re.findall(r"SANDBOX_[A-Z_]*[A-Z]", source))
    return settings.env.names | READ_BY_MAKE_RUN | sandbox


def another_value(kind: type, default: Any) -> Any:
    return not default if kind is bool else default + 1


def test_every_setting_is_in_the_readme() -> None:
    assert read_by_the_code() - documented().keys() == set()


def test_the_readme_has_only_settings_that_exist() -> None:
    assert documented().keys() - read_by_the_code() == set()


@pytest.mark.parametrize("name", APP_SETTINGS)
def test_the_readmes_default_is_that_of_the_app(name: str) -> None:
    app, _, setting = name.partition("_")
    conf = {"FEEDBACK": FeedbackConf, "REALTIME": RealtimeConf}[app]
    text = documented()[name].strip("`")
    assert float({"on": 1, "off": 0}.get(text, text)) == getattr(conf, setting)


def test_every_variable_of_an_app_arrives_in_its_conf(tmp_path: Path) -> None:
    values = {
        name: another_value(kind, getattr(settings, name)) for name, kind in APP_SETTINGS.items()
    }
    variables = {name: str(value) for name, value in values.items()}

    process = run_code(PRINT_CONF.format(names=tuple(values)), tmp_path, **variables)

    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout) == values


def test_every_setting_is_an_assignment_that_type_checkers_see() -> None:
    tree = ast.parse(Path(settings.__file__).read_text("utf-8"))
    assigned = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    defined = {name for name in vars(settings) if name.isupper()}
    imported = {"FEEDBACK_PREFIX", "REALTIME_PREFIX", "NONE", "SELF"}
    assert defined - assigned - imported == set()
