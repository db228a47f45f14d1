"""Attempts of a worker to deliver a feedback."""

from typing import Any
from uuid import UUID

from feedback.delivery import Delivery
from feedback.forms import Submission
from feedback.models import Feedback
from feedback.submit import submit_feedback
from realtime.jobs import lease
from realtime.models import Job, JobItem
from realtime.progress import Progress


class Attempts:
    def __init__(self) -> None:
        submission = Submission(id="1", email="ann@visitor.example", message="Hello")
        self.job_id: UUID = submit_feedback(submission)
        self.progress: Progress | None = None

    def run(self, *, is_retry: bool = False, is_last: bool = False) -> dict[str, int]:
        Job.objects.filter(pk=self.job_id).update(state="queued")
        job = lease.claim(self.job_id, worker="test")
        assert job
        self.progress = Progress(job)
        feedback = Feedback.objects.get(job_id=self.job_id)
        return Delivery(feedback, self.progress, is_retry=is_retry, is_last=is_last).run()

    @property
    def progress_fields(self) -> dict[str, Any]:
        assert self.progress
        return self.progress.fields()

    @property
    def outcomes(self) -> dict[str, str]:
        assert self.progress
        self.progress.save()
        return dict(JobItem.objects.filter(job=self.job_id).values_list("key", "outcome"))
