"""Every address of the site, and who may open it."""

from collections.abc import Mapping
from typing import Final

from picha.tests.http_client import Sent

Kind = str
OK, LOGIN = 200, 302
FORBIDDEN, NOWHERE, NOT_SO = 403, 404, 405

STRANGER: Final = "stranger"
KINDS: Final = (STRANGER, "user", "staff", "operator", "retired_operator")


def may(*, stranger: int, user: int, staff: int, operator: int) -> Mapping[Kind, int]:
    """Who is deactivated is a stranger, whatever they were."""
    answers = {STRANGER: stranger, "user": user, "staff": staff, "operator": operator}
    return answers | {"retired_operator": stranger}


EVERYONE: Final = may(stranger=OK, user=OK, staff=OK, operator=OK)
USERS: Final = may(stranger=LOGIN, user=OK, staff=OK, operator=OK)
OPERATORS: Final = may(stranger=LOGIN, user=FORBIDDEN, staff=FORBIDDEN, operator=OK)
OPERATORS_ELSE_NOTHING: Final = may(stranger=NOWHERE, user=NOWHERE, staff=NOWHERE, operator=OK)
STAFF: Final = may(stranger=LOGIN, user=LOGIN, staff=OK, operator=OK)
NOBODY_BY_LINK: Final = may(stranger=NOT_SO, user=NOT_SO, staff=NOT_SO, operator=NOT_SO)
ONLY_STRANGERS: Final = may(stranger=OK, user=LOGIN, staff=LOGIN, operator=LOGIN)
NOT_THERE: Final = may(stranger=NOWHERE, user=NOWHERE, staff=NOWHERE, operator=NOWHERE)

WHO_MAY: Final[Mapping[str, Mapping[Kind, int]]] = {
    "healthz": EVERYONE,
    "readyz": EVERYONE,
    "login": ONLY_STRANGERS,
    "logout": NOBODY_BY_LINK,
    "admin": STAFF,
    "feedback:contact": EVERYONE,
    "feedback:decoy": NOT_THERE,
    "realtime:job": OPERATORS_ELSE_NOTHING,
    "realtime:snapshot": OPERATORS_ELSE_NOTHING,
    "realtime:events": OPERATORS_ELSE_NOTHING,
    "realtime:file": NOT_THERE,  # it has made none
    "realtime:cancel": NOBODY_BY_LINK,
    "realtime:retry": NOBODY_BY_LINK,
    "dashboard:overview": OPERATORS,
    "dashboard:job": OPERATORS,
    "photos:list": EVERYONE,
    "photos:imports": USERS,
    "photos:thumbnail": EVERYONE,
}
WITH_KEY: Final = ("feedback:decoy", "realtime:job", "realtime:snapshot", "realtime:events")
OF_A_JOB: Final = {
    "realtime:job": "/",
    "realtime:snapshot": ".json",
    "realtime:events": "/events",
    "realtime:file": "/file/",
    "realtime:cancel": "/cancel/",
    "realtime:retry": "/retry/",
}
SOCKETS: Final = {"ws/jobs/"}


def of_the_job(sent: Sent, name: str) -> str:
    return f"{sent.path.rstrip('/')}{OF_A_JOB.get(name, '/')}"
