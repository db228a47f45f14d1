import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from realtime.models import Job, Worker
from realtime.tests.support.people import operator, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Job:
    return Job.objects.create(
        task="t", title="Import <b>photos</b>", args=["secret"], kwargs={"key": "secret"}
    )


def test_jobs_are_listed_and_shown_without_their_arguments(client: Client, job: Job) -> None:
    client.force_login(user("root", is_staff=True, is_superuser=True))
    for url in (
        reverse("admin:realtime_job_changelist"),
        reverse("admin:realtime_job_change", args=[job.pk]),
    ):
        page = client.get(url).content.decode()
        assert "Import &lt;b&gt;photos&lt;/b&gt;" in page
        assert "secret" not in page


def test_workers_are_listed(client: Client) -> None:
    Worker.objects.stamp("celery@here")
    client.force_login(user("root", is_staff=True, is_superuser=True))
    assert "celery@here" in client.get(reverse("admin:realtime_worker_changelist")).content.decode()


@pytest.mark.parametrize("action", ["add", "change", "delete"])
def test_nobody_may_change_a_job(client: Client, job: Job, action: str) -> None:
    client.force_login(user("root", is_staff=True, is_superuser=True))
    args = [] if action == "add" else [job.pk]
    url = reverse(f"admin:realtime_job_{action}", args=args)
    assert client.post(url, {"title": "Mine", "post": "yes"}).status_code == 403
    job.refresh_from_db()
    assert job.title != "Mine"


def test_operators_may_view_jobs_and_other_staff_may_not(client: Client) -> None:
    url = reverse("admin:realtime_job_changelist")
    client.force_login(operator())
    assert client.get(url).status_code == 200
    client.force_login(user("clerk", is_staff=True))
    assert client.get(url).status_code == 403


@pytest.mark.parametrize("model", ["job", "worker"])
@pytest.mark.parametrize(
    ("permission", "status"), [("add", 403), ("change", 403), ("delete", 403), ("view", 200)]
)
def test_only_the_view_permission_shows_the_rows(
    client: Client, model: str, permission: str, status: int
) -> None:
    clerk = user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename=f"{permission}_{model}"))
    client.force_login(clerk)
    url = reverse(f"admin:realtime_{model}_changelist")
    assert client.get(url).status_code == status
    assert (url in client.get(reverse("admin:index")).content.decode()) == (status == 200)


@pytest.mark.parametrize("page", ["change", "history", "delete"])
def test_the_change_permission_shows_no_job(client: Client, job: Job, page: str) -> None:
    clerk = user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="change_job"))
    client.force_login(clerk)
    response = client.get(reverse(f"admin:realtime_job_{page}", args=[job.pk]))
    assert response.status_code == 403
