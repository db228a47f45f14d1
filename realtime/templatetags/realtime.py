"""`{% load realtime %}{% job_progress job %}`: shows the live progress of a job in any page."""

from typing import Any

from django import template

from realtime.models import Job
from realtime.snapshots.build import load_for_snapshots, public
from realtime.states import CLAIMABLE

register = template.Library()


@register.inclusion_tag("realtime/_job_progress.html")
def job_progress(job: Job, *, key: str = "", main: bool = False) -> dict[str, Any]:
    """The job's current state, which stays current on pages that include `realtime/_scripts.html`.

    `key` is the watch key, for viewers who have no account. With `main` the page is about this
    job: its title is the heading of the page, and the title of the tab shows its progress.
    """
    return {"snapshot": public(_with_queue_position(job)), "key": key, "main": main}


def _with_queue_position(job: Job) -> Job:
    """The job, loaded anew if it waits and its queue position is not known."""
    if job.state not in CLAIMABLE or job.queue_position:
        return job
    return load_for_snapshots([job.pk])[0]
