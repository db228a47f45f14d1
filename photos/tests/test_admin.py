import pytest
from django.contrib.auth.models import User
from django.test import Client

from photos.models import ImportMark, ImportRequest, Licence, Photo
from photos.tests.factories import START, create_photo

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("op", password="a password"))
    return client


@pytest.mark.parametrize("model", [Photo, Licence, ImportMark, ImportRequest])
def test_every_model_is_listed(operator: Client, model: type) -> None:
    create_photo(licence=Licence.objects.create(number=4, name="CC BY 2.0"))
    ImportMark.objects.create(uploaded_at=START)
    assert operator.get(f"/admin/photos/{model.__name__.lower()}/").status_code == 200


def test_a_description_cannot_be_edited(operator: Client) -> None:
    photo = create_photo(description="<b>clean</b>")
    page = operator.get(f"/admin/photos/photo/{photo.pk}/change/")
    assert page.status_code == 200
    assert b'name="description"' not in page.content


def test_a_user_without_the_permission_has_no_access(client: Client) -> None:
    client.force_login(User.objects.create_user("ada", is_staff=True))
    assert client.get("/admin/photos/photo/").status_code in (302, 403)
