import pytest
from django.test import Client

from realtime.dashboard.tests.pages import client_of
from realtime.tests.support import people


@pytest.fixture
def operator() -> Client:
    return client_of(people.operator())
