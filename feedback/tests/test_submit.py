from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connections
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from feedback import submit
from feedback.conf import conf
from feedback.forms import Submission
from feedback.models import Feedback
from realtime.models import Job
from realtime.states import JobState

pytestmark = pytest.mark.django_db


def submission(submission_id: str = "1", *, email: str = "ann@visitor.example") -> Submission:
    return Submission(id=submission_id, email=email, message="Hello")


def test_feedback_and_its_job_are_saved_together() -> None:
    job_id = submit.submit_feedback(submission())
    feedback = Feedback.objects.get()
    job = Job.objects.get(pk=job_id)
    assert (feedback.email, feedback.message, feedback.job_id) == (
        "ann@visitor.example",
        "Hello",
        job_id,
    )
    assert (job.task, job.state) == ("send_feedback_email_task", JobState.QUEUED)
    assert job.kwargs == {"feedback_id": feedback.pk}


def test_the_task_message_contains_no_feedback() -> None:
    job = Job.objects.get(pk=submit.submit_feedback(submission()))
    assert "ann@visitor.example" not in f"{job.args}{job.kwargs}{job.options}"


def test_the_same_submission_again_gives_the_same_job() -> None:
    assert submit.submit_feedback(submission()) == submit.submit_feedback(submission())
    assert (Feedback.objects.count(), Job.objects.count()) == (1, 1)


def test_another_submission_gives_another_job() -> None:
    assert submit.submit_feedback(submission("1")) != submit.submit_feedback(submission("2"))


def test_a_job_that_cannot_be_saved_leaves_no_feedback(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_error(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(submit, "enqueue", raise_error)
    with pytest.raises(RuntimeError):
        submit.submit_feedback(submission())
    assert not Feedback.objects.exists()


def test_the_job_is_published_after_the_commit(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        submit.submit_feedback(submission())
    assert callbacks


def test_the_owner_owns_the_job(django_user_model: type[User]) -> None:
    ann = django_user_model.objects.create_user("ann")
    assert Job.objects.get(pk=submit.submit_feedback(submission(), owner=ann)).owner == ann


@pytest.mark.parametrize(("earlier", "confirms"), [(4, True), (5, False), (6, False)])
def test_a_mailbox_gets_at_most_five_confirmations_an_hour(earlier: int, confirms: bool) -> None:
    for number in range(earlier):
        submit.submit_feedback(submission(str(number), email=f"Ann+{number}@visitor.example"))
    job_id: UUID = submit.submit_feedback(submission("last"))
    assert Feedback.objects.get(job_id=job_id).confirms is confirms
    submit.submit_feedback(submission("other", email="bob@visitor.example"))
    assert Feedback.objects.get(submission="other").confirms


@pytest.mark.django_db(transaction=True)
def test_simultaneous_submissions_get_no_more_confirmations() -> None:
    def submit_one(number: int) -> None:
        try:
            submit.submit_feedback(submission(str(number)))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(15) as threads:
        list(threads.map(submit_one, range(15)))
    assert Feedback.objects.filter(confirms=True).count() == conf.CONFIRMATIONS_PER_HOUR
    assert Feedback.objects.count() == 15


def test_the_maximum_of_confirmations_is_a_setting(settings: Settings) -> None:
    settings.FEEDBACK_CONFIRMATIONS_PER_HOUR = 0
    submit.submit_feedback(submission())
    assert not Feedback.objects.get().confirms
