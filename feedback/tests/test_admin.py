from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from feedback.models import Feedback

pytestmark = pytest.mark.django_db


@pytest.fixture
def feedback() -> Feedback:
    return Feedback.objects.create(
        email="ann@visitor.example",
        message="<script>alert(1)</script>",
        submission="1",
        confirms=True,
        job_id=uuid4(),
    )


def test_feedback_is_listed_and_searched(admin_client: Client, feedback: Feedback) -> None:
    page = admin_client.get(reverse("admin:feedback_feedback_changelist"), {"q": "ann"})
    assert "ann@visitor.example" in page.content.decode()


def test_feedback_is_shown_with_its_job_and_is_read_only(
    admin_client: Client, feedback: Feedback
) -> None:
    page = admin_client.get(reverse("admin:feedback_feedback_change", args=[feedback.pk]))
    text = page.content.decode()
    assert "&lt;script&gt;alert(1)" in text
    assert reverse("dashboard:job", args=[feedback.job_id]) in text
    assert 'name="message"' not in text


def test_feedback_without_a_job_is_shown(admin_client: Client, feedback: Feedback) -> None:
    Feedback.objects.update(job_id=None)
    page = admin_client.get(reverse("admin:feedback_feedback_change", args=[feedback.pk]))
    assert page.status_code == 200


def test_feedback_cannot_be_added(admin_client: Client) -> None:
    assert admin_client.get(reverse("admin:feedback_feedback_add")).status_code == 403
