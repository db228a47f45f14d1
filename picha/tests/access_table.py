"""The URLs of the site by name, and the status that each kind of user gets."""

from collections.abc import Mapping
from typing import Final

from picha.tests.http_client import SentFeedback

Kind = str
OK, LOGIN = 200, 302
FORBIDDEN, NOT_FOUND, NOT_ALLOWED = 403, 404, 405

ANONYMOUS: Final = "anonymous"
KINDS: Final = (ANONYMOUS, "user", "staff", "operator", "deactivated_operator")


def statuses(*, anonymous: int, user: int, staff: int, operator: int) -> Mapping[Kind, int]:
    """A deactivated user gets the same as an anonymous one."""
    table = {ANONYMOUS: anonymous, "user": user, "staff": staff, "operator": operator}
    return table | {"deactivated_operator": anonymous}


def everybody(status: int) -> Mapping[Kind, int]:
    return statuses(anonymous=status, user=status, staff=status, operator=status)


EVERYBODY: Final = everybody(OK)
ONLY_POST: Final = everybody(NOT_ALLOWED)
NOBODY: Final = everybody(NOT_FOUND)
USERS: Final = statuses(anonymous=LOGIN, user=OK, staff=OK, operator=OK)
OPERATORS: Final = statuses(anonymous=LOGIN, user=FORBIDDEN, staff=FORBIDDEN, operator=OK)
OPERATORS_ELSE_NOT_FOUND: Final = statuses(
    anonymous=NOT_FOUND, user=NOT_FOUND, staff=NOT_FOUND, operator=OK
)
STAFF: Final = statuses(anonymous=LOGIN, user=LOGIN, staff=OK, operator=OK)
ONLY_ANONYMOUS: Final = statuses(anonymous=OK, user=LOGIN, staff=LOGIN, operator=LOGIN)

STATUS_OF_GET: Final[Mapping[str, Mapping[Kind, int]]] = {
    "healthz": EVERYBODY,
    "readyz": EVERYBODY,
    "login": ONLY_ANONYMOUS,
    "logout": ONLY_POST,
    "admin": STAFF,
    "feedback:contact": EVERYBODY,
    "feedback:decoy": NOBODY,
    "realtime:job": OPERATORS_ELSE_NOT_FOUND,
    "realtime:snapshot": OPERATORS_ELSE_NOT_FOUND,
    "realtime:events": OPERATORS_ELSE_NOT_FOUND,
    "realtime:file": NOBODY,  # this job has no file
    "realtime:cancel": ONLY_POST,
    "realtime:retry": ONLY_POST,
    "dashboard:overview": OPERATORS,
    "dashboard:job": OPERATORS,
    "photos:list": EVERYBODY,
    "photos:imports": USERS,
    "photos:thumbnail": EVERYBODY,
}
OPEN_WITH_KEY: Final = ("feedback:decoy", "realtime:job", "realtime:snapshot", "realtime:events")
JOB_SUFFIXES: Final = {
    "realtime:job": "/",
    "realtime:snapshot": ".json",
    "realtime:events": "/events",
    "realtime:file": "/file/",
    "realtime:cancel": "/cancel/",
    "realtime:retry": "/retry/",
}
SOCKETS: Final = {"ws/jobs/"}


def job_path(sent: SentFeedback, name: str) -> str:
    return f"{sent.path.rstrip('/')}{JOB_SUFFIXES.get(name, '/')}"
