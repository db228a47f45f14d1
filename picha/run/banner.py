"""Banner: the addresses and the password that `make run` prints once everything is up."""

import shlex
from collections.abc import Iterator, Mapping

from picha.run.plan import Plan, read_plan
from picha.secret_files import operator_password

COMMANDS = (
    "celery -A picha worker -l info",
    "celery -A picha beat -l info",
    "python manage.py runserver",
)


def banner(plan: Plan, *, environment: Mapping[str, str]) -> str:
    lines = dict(_lines(plan, environment=environment))
    width = max(len(name) for name in lines)
    title = "Picha's services are up." if plan.services_only else "Picha is up."
    rows = [f"  {name:<{width}}   {value}" for name, value in lines.items()]
    return "\n".join(
        ["", title, "", *rows, "", *_next_commands(plan), "Ctrl-C ends everything.", ""]
    )


def _lines(plan: Plan, *, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "Site", f"{plan.site_url}/"
    if "mailbox" in plan.programs:
        yield "Mailbox", f"http://127.0.0.1:{plan.mailbox_port}/"
    yield "Operators", f"{plan.site_url}/ops/"
    yield "Log in as", "operator"
    yield "Password", _password(plan, environment=environment)
    yield "Logs", str(plan.logs)


def _password(plan: Plan, *, environment: Mapping[str, str]) -> str:
    if environment.get("OPERATOR_PASSWORD", "").strip():
        return "(the one in OPERATOR_PASSWORD)"
    return operator_password(plan.var_dir)


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
