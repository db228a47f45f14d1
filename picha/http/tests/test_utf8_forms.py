import logging
import uuid
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from feedback.models import Feedback
from feedback.tokens import new_token
from picha.asgi import application
from picha.logs import WithoutTracebacks
from realtime.models import Job

pytestmark = pytest.mark.django_db

URLENCODED: Final = "application/x-www-form-urlencoded"
LONE_SURROGATE = r"\ud800"
"""What the encoding "unicode_escape" decodes to a lone surrogate."""
FORMS: dict[str, dict[str, str]] = {
    "/feedback/": {"email": "ada@example.org", "message": LONE_SURROGATE, "token": new_token()},
    "/photos/imports/": {"tags": LONE_SURROGATE, "limit": "5", "token": str(uuid.uuid4())},
    "/accounts/login/": {"username": LONE_SURROGATE, "password": "a password"},
}


def multipart(fields: dict[str, str], *, charset: str) -> dict[str, Any]:
    parts = [
        f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join(parts) + "--xx--\r\n"
    content_type = f"multipart/form-data; boundary=xx; charset={charset}"
    return {"data": body.encode(), "content_type": content_type}


def client_for(page: str) -> Client:
    client = Client()
    if page == "/photos/imports/":
        client.force_login(User.objects.create_user("ada"))
    return client


@pytest.mark.parametrize("page", FORMS)
@pytest.mark.parametrize("charset", ["unicode_escape", "latin-1", "rot13"])
def test_a_form_in_another_encoding_is_refused(page: str, charset: str) -> None:
    form = multipart(FORMS[page], charset=charset)
    assert client_for(page).generic("POST", page, **form).status_code == 400
    assert not Job.objects.exists()


@pytest.mark.parametrize("page", FORMS)
@pytest.mark.parametrize("content_type", [URLENCODED, "multipart/form-data; boundary=xx"])
@pytest.mark.parametrize("charset", ["hex", "rot13", "utf-16", "idna", "undefined", "utf_8_sig"])
def test_the_refusal_is_one_line_in_the_log(
    page: str, content_type: str, charset: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies[settings.CSRF_COOKIE_NAME] = "a" * 32
    response = client.generic("POST", page, b"a=b", f"{content_type}; charset={charset}")
    assert response.status_code == 400
    (record,) = caplog.records
    assert WithoutTracebacks().filter(record)
    assert logging.Formatter().format(record).count("\n") == 0


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "U8", "unheard-of"])
def test_an_urlencoded_form_in_utf8_is_accepted(charset: str) -> None:
    form = urlencode(FORMS["/feedback/"] | {"message": "Grüße"})
    content_type = f"{URLENCODED}; charset={charset}"
    assert Client().generic("POST", "/feedback/", form, content_type).status_code == 303
    assert Feedback.objects.get().message == "Grüße"


@pytest.mark.parametrize("charset", ["charset=utf-8\0", "charset*=utf-8''%00", "charset*=''%00"])
@pytest.mark.parametrize("content_type", [URLENCODED, "multipart/form-data; boundary=x", "x/y"])
async def test_the_name_of_an_encoding_may_contain_a_nul(content_type: str, charset: str) -> None:
    headers = [(b"host", b"127.0.0.1"), (b"content-type", f"{content_type};{charset}".encode())]
    scope = {"type": "http", "method": "POST", "path": "/feedback/", "query_string": b""}
    new_communicator: Any = ApplicationCommunicator  # it has no types
    communicator = new_communicator(application, scope | {"headers": headers})
    await communicator.send_input({"type": "http.request", "body": b"a=b"})
    start = await communicator.receive_output(timeout=60)
    assert start["status"] == 403  # it has no CSRF token
    await communicator.receive_output(timeout=60)
    await communicator.wait(timeout=60)


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "unheard-of"])
def test_a_form_in_utf8_is_accepted(charset: str) -> None:
    form = multipart(FORMS["/feedback/"] | {"message": "Grüße"}, charset=charset)
    assert Client().generic("POST", "/feedback/", **form).status_code == 303
    assert Feedback.objects.get().message == "Grüße"


async def test_a_form_in_another_encoding_is_refused_under_asgi() -> None:
    form = multipart(FORMS["/feedback/"], charset="unicode_escape")
    response = await AsyncClient().generic("POST", "/feedback/", **form)
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("page", "field"), [(page, field) for page, form in FORMS.items() for field in form]
)
def test_a_form_with_a_nul_is_shown_again(page: str, field: str) -> None:
    response = client_for(page).post(page, FORMS[page] | {field: "a\0b"})
    assert response.status_code in (200, 422)
    assert not Job.objects.exists()
