"""Banner: the addresses that `make run` prints once everything is up, and the first password."""

import shlex
from collections.abc import Iterator, Mapping

from picha.run.plan import Plan, read_plan
from picha.secret_files import operator_password, operator_password_file

COMMANDS = (
    "celery -A picha worker -l info",
    "celery -A picha beat -l info",
    "python manage.py runserver",
)


def banner(plan: Plan, *, environment: Mapping[str, str], is_first_run: bool) -> str:
    """The lines to print. Only the first run prints the password: later ones may be recorded."""
    password = _password(plan, environment=environment, is_first_run=is_first_run)
    lines = dict(_lines(plan, password=password))
    width = max(len(name) for name in lines)
    title = "Picha's services are up." if plan.services_only else "Picha is up."
    rows = [f"  {name:<{width}}   {value}" for name, value in lines.items()]
    return "\n".join(
        ["", title, "", *rows, "", *_next_commands(plan), "Ctrl-C ends everything.", ""]
    )


def _lines(plan: Plan, *, password: str) -> Iterator[tuple[str, str]]:
    yield "Site", f"{plan.site_url}/"
    if "mailbox" in plan.programs:
        yield "Mailbox", f"http://127.0.0.1:{plan.mailbox_port}/"
    yield "Operators", f"{plan.site_url}/ops/"
    yield "Log in as", "operator"
    yield "Password", password
    yield "Logs", str(plan.logs)


def _password(plan: Plan, *, environment: Mapping[str, str], is_first_run: bool) -> str:
    if environment.get("OPERATOR_PASSWORD", "").strip():
        return "(the one in OPERATOR_PASSWORD)"
    if is_first_run:
        return operator_password(plan.var_dir)
    return f"(in {operator_password_file(plan.var_dir)})"


def _next_commands(plan: Plan) -> list[str]:
    if not plan.services_only:
        return []
    variables = "" if plan == read_plan({}, services_only=True) else _variables(plan)
    *others, runserver = COMMANDS
    if plan.port != 8000:
        runserver = f"{runserver} {plan.port}"
    commands = [f"  {variables}{command}" for command in (*others, runserver)]
    return ["Run each of these in its own terminal:", *commands, ""]


def _variables(plan: Plan) -> str:
    return f"PORT={plan.port} VAR_DIR={shlex.quote(str(plan.var_dir))} "
