"""Template filters that write a snapshot, or one of its numbers or times, as text."""

import math
from datetime import datetime
from typing import Any, Final

from django import template
from django.conf import settings
from django.shortcuts import resolve_url
from django.utils import timezone

from realtime.models import Job
from realtime.snapshots import formats, words
from realtime.snapshots.outcomes import in_display_order
from realtime.snapshots.schema import Snapshot
from realtime.states import FINISHED, JobState

register: Final = template.Library()

for filter_function in (
    words.sentence,
    words.amount,
    words.pace,
    words.attempt,
    words.outcome_counts,
    words.row_detail,
    words.state_label,
    words.item_label,
    formats.number,
    formats.percent,
    formats.duration,
    formats.size,
):
    register.filter(filter_function.__name__, filter_function)


@register.filter
def pairs(value: dict[str, Any]) -> list[tuple[str, Any]]:
    """The items of a dict; `dict.items` in a template reads the key "items" if there is one."""
    return list(value.items())


@register.filter
def can_run_again(snapshot: Snapshot, resumes: object) -> bool:
    return words.can_run_again(snapshot, resumes=bool(resumes))


@register.filter
def run_again_label(snapshot: Snapshot, resumes: object) -> str:
    return words.run_again_label(snapshot, resumes=bool(resumes))


@register.filter
def figures(snapshot: Snapshot) -> str:
    """`31 of 60 photos · about 4 s left`, or why the job waits or how long it took."""
    texts = (words.amount(snapshot), words.row_detail(snapshot))
    return " · ".join(filter(None, texts))


@register.filter
def counts(job: Job) -> dict[str, int]:
    """The counts of a job, in the order of `snapshots.outcomes`."""
    return in_display_order(job.task, job.counts)


@register.filter
def duration_or_dash(seconds: float | None) -> str:
    return "\N{EN DASH}" if seconds is None else formats.duration(seconds)


@register.filter
def share_or_dash(share: float | None) -> str:
    return "\N{EN DASH}" if share is None else formats.share(share)


@register.filter
def bar_value(snapshot: Snapshot) -> str:
    """The value of the progress bar; empty if the job runs and its fraction is unknown."""
    if snapshot.state == JobState.SUCCEEDED:
        return "1"
    if snapshot.fraction is None:
        return "" if snapshot.state == JobState.RUNNING else "0"
    return f"{snapshot.fraction:.4f}"


@register.filter
def is_finished(snapshot: Snapshot) -> bool:
    return snapshot.state in FINISHED


@register.simple_tag
def login_url() -> str:
    """The URL of the site's login page."""
    return resolve_url(settings.LOGIN_URL)


@register.inclusion_tag("realtime/_moment.html")
def moment(value: datetime | float | None, label: str = "", part: str = "") -> dict[str, Any]:
    """How long ago something happened, with the exact time on hover. A script keeps it up to date.

    The script learns the time of the server from it: the clock of the browser may be wrong.
    """
    context = {"label": label, "part": part, "now": f"{timezone.now().timestamp():.3f}"}
    if value is None:
        return context | {"seconds": None}
    # Whole seconds: the script reads the time from the element's datetime, which has no more.
    seconds = math.floor(value.timestamp() if isinstance(value, datetime) else value)
    return context | {
        "seconds": seconds,
        "iso": formats.iso_time(seconds),
        "exact": formats.exact_time(seconds),
        "relative": formats.relative(seconds),
    }
