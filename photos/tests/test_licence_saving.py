import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from photos.licence_saving import add_licences

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("numbers", [[98, 90, 99], [99, 98, 90]])
def test_licences_are_written_in_the_order_of_their_numbers(numbers: list[int]) -> None:
    with CaptureQueriesContext(connection) as queries:
        add_licences(numbers, ())
    (insert,) = [query["sql"] for query in queries.captured_queries if "INSERT" in query["sql"]]
    assert re.findall(r"Licence (\d+) of Flickr", insert) == ["90", "98", "99"]
