"""Redaction: hides the secrets in a job's arguments from operators."""

import inspect
import json
import re
from collections.abc import Iterable
from inspect import Parameter
from typing import Any, Final

from celery import current_app

from realtime.models import Job

HIDDEN: Final = "[hidden]"
SECRET_PARTS: Final = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "authorization",
)
"""A value is hidden if its name contains one of these."""
SECRET_WORDS: Final = frozenset({"key", "keys", "pwd", "auth", "cookie", "pin"})
"""A value is hidden if one of these is a word of its name: `api_key`, `apiKey`, not `keyword`."""
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORD_IN_URL: Final = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")


def shown_args(job: Job) -> str:
    """The positional arguments as JSON, with secret ones hidden."""
    names = _names(job.task)
    if names is None:
        return _json([HIDDEN for _ in job.args])
    secret = _secret_names(job.task)
    named = zip([*names, *[""] * len(job.args)], job.args, strict=False)
    return _json([_value(name, value, secret) for name, value in named])


def shown_kwargs(job: Job) -> str:
    if _names(job.task) is None:
        return _json(dict.fromkeys(job.kwargs, HIDDEN))
    secret = _secret_names(job.task)
    return _json({name: _value(name, value, secret) for name, value in job.kwargs.items()})


def _names(task: str) -> list[str] | None:
    """The task's positional parameters; None for a task that this process does not know.

    Then no argument is shown: nothing says which of them are secret.
    """
    registered = current_app.tasks.get(task)
    if registered is None:
        return None
    parameters = inspect.signature(registered.run).parameters.values()
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter.name for parameter in parameters if parameter.kind in positional]


def _secret_names(task: str) -> frozenset[str]:
    return frozenset(getattr(current_app.tasks[task], "secret_args", ()))


def _value(name: str, value: Any, secret: Iterable[str] = ()) -> Any:
    if name in secret or _is_secret_name(name):
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): _value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_value("", inner) for inner in value]
    return _PASSWORD_IN_URL.sub(rf"\1{HIDDEN}", value) if isinstance(value, str) else value


def _is_secret_name(name: str) -> bool:
    lower = name.lower()
    return any(part in lower for part in SECRET_PARTS) or not SECRET_WORDS.isdisjoint(
        word.lower() for word in _WORDS.findall(name)
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
