import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from feedback.models import Feedback
from feedback.tokens import new_token
from realtime.models import Job

pytestmark = pytest.mark.django_db

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
