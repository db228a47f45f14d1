import json
from typing import Any

import pytest
from celery import shared_task

from realtime.dashboard.redaction import HIDDEN, shown_args, shown_kwargs
from realtime.models import Job
from realtime.tasks import JobTask

NAME = "realtime.dashboard.tests.order"


@shared_task(base=JobTask, name=NAME, secret_args=("card",))
def order(what: str, card: str = "", *token: Any, **more: Any) -> None: ...


def args(*values: Any, task: str = NAME) -> Any:
    return json.loads(shown_args(Job(task=task, args=list(values))))


def kwargs(task: str = NAME, **values: Any) -> Any:
    return json.loads(shown_kwargs(Job(task=task, kwargs=values)))


def test_arguments_that_are_not_secret_are_shown() -> None:
    assert args("bread") == ["bread"]
    assert kwargs(what="bread", limit=3, none=None) == {"what": "bread", "limit": 3, "none": None}


def test_secret_args_of_the_task_are_hidden_by_position_and_by_name() -> None:
    assert args("bread", "4111") == ["bread", HIDDEN]
    assert kwargs(card="4111") == {"card": HIDDEN}


def test_more_arguments_than_names_are_shown() -> None:
    assert args("bread", "4111", "today", "now") == ["bread", HIDDEN, "today", "now"]


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWORD",
        "user_password",
        "dbPasswd",
        "secret",
        "client_secret",
        "token",
        "accessToken",
        "csrftoken",
        "key",
        "api_key",
        "apiKey",
        "API_KEY",
        "credentials",
        "Authorization",
    ],
)
def test_arguments_with_secret_names_are_hidden(name: str) -> None:
    assert kwargs(**{name: "x"}) == {name: HIDDEN}
    assert kwargs(what={"deep": [{name: "x"}]}) == {"what": {"deep": [{name: HIDDEN}]}}


@pytest.mark.parametrize("name", ["keyword", "monkey", "tags", "feedback_id", "author", "pinned"])
def test_arguments_with_similar_names_are_shown(name: str) -> None:
    assert kwargs(**{name: "x"}) == {name: "x"}


def test_a_password_in_an_address_is_hidden() -> None:
    assert args("smtp://ann:hunter2@mail.example:25/") == [f"smtp://ann:{HIDDEN}@mail.example:25/"]
    assert args("https://picha.example/a:b@c") == ["https://picha.example/a:b@c"]


def test_all_arguments_of_an_unknown_task_are_hidden() -> None:
    assert args("bread", task="gone") == [HIDDEN]
    assert kwargs(task="gone", what="bread") == {"what": HIDDEN}


def test_any_script_can_be_read() -> None:
    assert "Grüße" in shown_args(Job(task=NAME, args=["Grüße"]))
