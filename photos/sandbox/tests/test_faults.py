import pytest

from photos.sandbox.replies import TOO_MANY
from photos.sandbox.tests.clients import client


async def test_first_replies_go_to_the_first_requests() -> None:
    http = client(first_replies=(None, TOO_MANY))
    statuses = [(await http.get("/services/rest/")).status_code for _ in range(3)]
    assert statuses == [200, 429, 200]


@pytest.mark.parametrize(("limit", "accepted"), [(1, 1), (3, 3), (0, 5)])
async def test_requests_above_the_rate_limit_get_429(limit: int, accepted: int) -> None:
    http = client(rate_limit=limit)
    statuses = [(await http.get("/services/rest/")).status_code for _ in range(5)]
    assert statuses == [200] * accepted + [429] * (5 - accepted)


async def test_with_a_failure_rate_of_1_every_request_fails() -> None:
    http = client(failure_rate=1.0)
    responses = [await http.get("/services/rest/") for _ in range(30)]
    assert {response.status_code for response in responses} == {200, 429, 502}
    assert all(not response.text.startswith('{"photos"') for response in responses)
