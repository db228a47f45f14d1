"""Every page has the styles and the scripts that it needs, each of them once."""

import re
from typing import Final

import pytest
from django.test import Client

from photos.tasks import ON_DEMAND, SCHEDULED
from realtime.models import Job
from realtime.states import JobState, RunBy, Visibility
from realtime.tests.support import people

pytestmark = pytest.mark.django_db

STRIPS: Final = 5
ASSET: Final = re.compile(r"""<(?:link rel="stylesheet" href|script [^>]*src)="([^"]+)">""")
PAGES: Final = {
    "gallery": "/",
    "imports": "/photos/imports/",
    "job": "/jobs/{id}/",
    "operators' list": "/ops/",
    "operators' job": "/ops/jobs/{id}/",
}


@pytest.fixture
def operator(client: Client) -> Client:
    """An operator who has several imports, on a site that imports by itself as well."""
    user = people.operator()
    client.force_login(user)
    for number in range(STRIPS):
        Job.objects.create(task=ON_DEMAND, title=f"Import {number}", owner=user)
    Job.objects.create(
        task=SCHEDULED,
        title="Batch",
        state=JobState.RUNNING,
        visibility=Visibility.PUBLIC,
        carrier=RunBy.CHILDREN,
    )
    return client


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_each_style_and_script_once(operator: Client, page: str) -> None:
    batch = Job.objects.get(title="Batch")
    html = operator.get(PAGES[page].format(id=batch.pk)).content.decode()

    assets = ASSET.findall(html)

    assert len(assets) == html.count('rel="stylesheet"') + html.count("<script")
    assert sorted(assets) == sorted(set(assets))
    assert any(path.endswith("realtime/job/job.css") for path in assets)
    assert any(path.endswith("job-progress.js") for path in assets) == ("<job-progress" in html)
    assert any(path.endswith("child-jobs.js") for path in assets) == ("<child-jobs" in html)


@pytest.mark.parametrize("page", PAGES)
def test_styles_and_scripts_are_in_the_head(operator: Client, page: str) -> None:
    batch = Job.objects.get(title="Batch")
    html = operator.get(PAGES[page].format(id=batch.pk)).content.decode()
    head, body = html.split("</head>")

    assert ASSET.findall(head)
    assert not ASSET.findall(body)


def test_the_page_of_imports_has_several_strips(operator: Client) -> None:
    html = operator.get(PAGES["imports"]).content.decode()

    assert html.count("<job-progress") > STRIPS
