from http import HTTPStatus
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from realtime.dashboard.urls import urlpatterns


@pytest.mark.parametrize("pattern", urlpatterns, ids=lambda pattern: str(pattern.name))
def test_no_address_of_the_dashboard_is_open(pattern: URLPattern, client: Client) -> None:
    args = [uuid4()] if pattern.pattern.converters else []
    answer = client.get(reverse(f"dashboard:{pattern.name}", args=args), {"a": "b"})
    assert answer.status_code == HTTPStatus.FOUND
    assert answer["Location"].startswith("/accounts/login/?next=/ops/")
    assert answer["Location"].endswith("%3Fa%3Db")
