from collections.abc import Callable, Iterator, Mapping

import pytest
from django.urls import reverse
from playwright.sync_api import Browser

from picha.tests.access_table import ANONYMOUS, JOB_SUFFIXES, STATUS_OF_GET, Kind, job_path
from picha.tests.browsers import Browsers
from picha.tests.http_client import HttpClient, SentFeedback, post_feedback
from picha.tests.pages import FeedbackData, thumbnail
from picha.tests.stack import TIMEOUT_SECONDS, Stack
from picha.tests.users import SiteUsers, create_users
from realtime.tests.support.polling import until

ClientFor = Callable[[Kind], HttpClient]


@pytest.fixture(scope="session")
def users(stack: Stack) -> SiteUsers:
    return create_users(stack)


@pytest.fixture
def browsers(browser: Browser, stack: Stack) -> Iterator[Browsers]:
    browsers = Browsers(browser=browser, stack=stack)
    yield browsers
    browsers.close()


@pytest.fixture
def client_for(stack: Stack, users: SiteUsers) -> Iterator[ClientFor]:
    clients: list[HttpClient] = []

    def open_client(kind: Kind) -> HttpClient:
        clients.append(HttpClient(stack, None if kind == ANONYMOUS else getattr(users, kind)))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def sent_feedback(stack: Stack) -> SentFeedback:
    return post_feedback(stack, FeedbackData.unique())


@pytest.fixture(scope="module")
def paths(stack: Stack, sent_feedback: SentFeedback) -> Mapping[str, str]:
    """An existing path for each name in the table."""
    decoy = post_feedback(stack, FeedbackData.unique(), topic="https://robot.example/")
    with_arguments = {
        "admin": "/admin/",
        "feedback:decoy": decoy.path,
        **{name: job_path(sent_feedback, name) for name in JOB_SUFFIXES},
        "dashboard:job": f"/ops/jobs/{sent_feedback.job_id}/",
        "photos:thumbnail": until(
            lambda: thumbnail(stack), within=TIMEOUT_SECONDS, what="the gallery shows a picture"
        ),
    }
    return {name: with_arguments.get(name) or reverse(name) for name in STATUS_OF_GET}
