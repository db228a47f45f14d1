"""Who may change something on the running site: forms of other sites, methods and actions."""

from collections.abc import Mapping
from http import HTTPStatus

import pytest

from picha.tests.access_table import FORBIDDEN, KINDS, NOT_FOUND, Kind, job_path
from picha.tests.conftest import ClientFor
from picha.tests.http_client import SentFeedback

pytestmark = [pytest.mark.stack, pytest.mark.once]


@pytest.mark.parametrize("path", ["/feedback/", "/photos/imports/", "/accounts/logout/"])
def test_a_form_without_a_csrf_token_is_refused(path: str, client_for: ClientFor) -> None:
    fields = {"email": "a@b.example", "message": "x", "limit": "1"}
    assert client_for("user").post(path, fields).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("name", ["realtime:job", "dashboard:overview", "photos:list"])
def test_a_page_without_a_form_allows_only_get(
    name: str, method: str, client_for: ClientFor, paths: Mapping[str, str]
) -> None:
    client = client_for("operator")
    response = client.request(method, paths[name], headers=client.csrf_headers())

    assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_a_user_who_may_only_watch_a_job_may_not_act_on_it(
    action: str, kind: Kind, client_for: ClientFor, sent_feedback: SentFeedback
) -> None:
    client, path = client_for(kind), job_path(sent_feedback, f"realtime:{action}")
    headers = client.csrf_headers()
    with_key = client.request("POST", f"{path}?key={sent_feedback.key}", headers=headers)
    without_key = client.request("POST", path, headers=headers)

    assert with_key.status_code == FORBIDDEN
    assert without_key.status_code == (FORBIDDEN if kind == "operator" else NOT_FOUND)
