"""What operators are not shown of a job's arguments."""

import inspect
import json
import re
from collections.abc import Iterable
from typing import Any, Final

from celery import current_app

from realtime.models import Job

HIDDEN: Final = "[hidden]"
LONG: Final = ("password", "passwd", "passphrase", "secret", "token", "credential", "authorization")
"""Hidden wherever they are part of a name."""
SHORT: Final = frozenset({"key", "keys", "pwd", "auth", "cookie", "pin"})
"""Hidden where they are a word of a name: `api_key` and `apiKey`, but not `keyword`."""
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORD_IN_URL: Final = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")


def shown_args(job: Job) -> str:
    """The positional arguments as JSON; those whose names the task calls secret are hidden."""
    names = _names(job.task)
    if names is None:
        return _json([HIDDEN for _ in job.args])
    secret = _secret(job.task)
    named = zip([*names, *[""] * len(job.args)], job.args, strict=False)
    return _json([_value(name, value, secret) for name, value in named])


def shown_kwargs(job: Job) -> str:
    if _names(job.task) is None:
        return _json(dict.fromkeys(job.kwargs, HIDDEN))
    secret = _secret(job.task)
    return _json({name: _value(name, value, secret) for name, value in job.kwargs.items()})


def _names(task: str) -> list[str] | None:
    """The task's positional parameters; None for a task that this process does not know.

    Of such a task nobody here can say what is secret, so all of its arguments are hidden.
    """
    known = current_app.tasks.get(task)
    if known is None:
        return None
    every = inspect.signature(known.run).parameters.values()
    return [
        one.name for one in every if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]


def _secret(task: str) -> frozenset[str]:
    return frozenset(getattr(current_app.tasks[task], "secret_args", ()))


def _value(name: str, value: Any, secret: Iterable[str] = ()) -> Any:
    if name in secret or _sounds_secret(name):
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): _value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_value("", inner) for inner in value]
    return _PASSWORD_IN_URL.sub(rf"\1{HIDDEN}", value) if isinstance(value, str) else value


def _sounds_secret(name: str) -> bool:
    lower = name.lower()
    return any(part in lower for part in LONG) or not SHORT.isdisjoint(
        word.lower() for word in _WORDS.findall(name)
    )


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
