"""The scenario in which the mail server disconnects right after it has received an email.

Nobody can find out then whether the email has arrived. Picha says so, and does not send it again.
A plain task that retries after any error sends it twice.
"""

import re
import time
from collections.abc import Iterator
from typing import Final

import httpx

from realtime.tests.chaos.audit import Fault, Verdict
from realtime.tests.chaos.load_generator import HTTP_TIMEOUT, LoadGenerator, Requests
from realtime.tests.chaos.processes import pause
from realtime.tests.chaos.profiles import Profile
from realtime.tests.chaos.scenarios import POLL_INTERVAL, make_verdict
from realtime.tests.chaos.site_database import FINISHED, JobRow
from realtime.tests.chaos.stack import Stack

NAME: Final = "smtp cut after DATA"
EMAILS_PER_JOB: Final = 2
"""One to the team of the site and one to the visitor."""
DISCONNECT_RATE: Final = 0.4
PLAIN_SUFFIX: Final = "@plain.example>"
"""Ends the Message-ID of each email that a plain task sends."""


def run(stack: Stack, *, profile: Profile, seed: int) -> Iterator[Verdict]:
    stack.wait_until_ready()
    stack.mail_server.disconnect_rate = DISCONNECT_RATE
    requests = send_feedback(stack, profile=profile, seed=seed)
    load = LoadGenerator(
        stack,
        name=f"mail.{seed}",
        profile=profile,
        jobs=profile.emails * EMAILS_PER_JOB,
        kinds=["plain_mail"],
    )
    load.start()
    load.join()
    plain = load.kinds["plain_mail"]
    rows = wait_until_ended(stack, requests, plain, profile=profile)
    stack.mail_server.disconnect_rate = 0.0
    injected = [Fault(ended_at=time.time())]
    counts = count_jobs(stack, requests, rows)
    yield make_verdict(NAME, "picha", stack, requests, injected, **counts)
    counts = count_plain_tasks(stack, plain)
    yield make_verdict(NAME, "plain celery", stack, plain, injected, **counts)


def send_feedback(stack: Stack, *, profile: Profile, seed: int) -> Requests:
    requests = Requests("feedback", "")
    for number in range(profile.emails):
        job_id = submit_feedback(stack.url, email=f"visitor{seed}.{number}@site.example")
        requests.sent.add(job_id or f"refused {number}")
        if job_id:
            requests.acknowledged[job_id] = time.time()
    return requests


def submit_feedback(url: str, *, email: str) -> str:
    """Submits the feedback form as a visitor; returns the id of the job, or "" if refused."""
    with httpx.Client(base_url=url, timeout=HTTP_TIMEOUT, trust_env=False) as client:
        page = client.get("/feedback/").text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        fields |= {"email": email, "message": "Chaos.", "topic": ""}
        answer = client.post("/feedback/", data=fields, headers={"Referer": f"{url}/feedback/"})
        match = re.match(r"/jobs/([0-9a-f-]{36})/", answer.headers.get("location", ""))
    return match[1].replace("-", "") if match else ""


def wait_until_ended(
    stack: Stack, requests: Requests, plain: Requests, *, profile: Profile
) -> list[JobRow]:
    """Waits until all jobs and tasks have ended, or for too long; returns the rows of the jobs."""
    deadline = time.monotonic() + profile.quiet_seconds_max
    received = stack.mail_server.received
    while True:
        rows = [row for row in stack.database.jobs() if row.id in requests.acknowledged]
        have_jobs_ended = all(row.state in FINISHED for row in rows)
        have_emails_arrived = all(
            f"<{token}{PLAIN_SUFFIX}" in received for token in plain.acknowledged
        )
        is_retrying = any(f'"{plain.prefix}' in message for message in stack.broker_messages())
        has_ended = have_jobs_ended and have_emails_arrived and not is_retrying
        if has_ended or time.monotonic() > deadline:
            return rows
        pause(POLL_INTERVAL)


def count_jobs(stack: Stack, requests: Requests, rows: list[JobRow]) -> dict[str, object]:
    received = {
        message_id: count
        for message_id, count in stack.mail_server.received.items()
        if not message_id.endswith(PLAIN_SUFFIX)
    }
    states: dict[str, list[str]] = {job_id: [] for job_id in requests.sent}
    for (job_id, _), state in stack.database.items().items():
        if job_id in states:
            states[job_id].append(state)
    promised = EMAILS_PER_JOB * len(requests.acknowledged) - withheld_confirmations(states)
    missing_jobs = len(requests.acknowledged) - len(rows)
    return {
        "lost": max(0, promised - len(received)) + missing_jobs,
        "unexpected": max(0, len(received) - EMAILS_PER_JOB * len(requests.sent)),
        "duplicated_effects": sum(count - 1 for count in received.values()),
        "duplicated_executions": 0,
        "stuck": sum(row.state not in FINISHED for row in rows),
        "failed": sum(row.state == "failed" for row in rows),
        "unknown": sum(of_job.count("unknown") for of_job in states.values()),
        "recovery_p50_s": None,
        "recovery_p99_s": None,
    }


def withheld_confirmations(states: dict[str, list[str]]) -> int:
    """How many visitors get no confirmation, because nobody knows whether the team got theirs.

    `states` are those of the emails of each job.
    """
    return sum(of_job.count("pending") for of_job in states.values() if "unknown" in of_job)


def count_plain_tasks(stack: Stack, requests: Requests) -> dict[str, object]:
    received = {
        token: stack.mail_server.received[f"<{token}{PLAIN_SUFFIX}"] for token in requests.sent
    }
    duplicates = sum(max(0, count - 1) for count in received.values())
    return {
        "lost": sum(not received[token] for token in requests.acknowledged),
        "unexpected": 0,
        "duplicated_effects": duplicates,
        "duplicated_executions": duplicates,
        "stuck": 0,
        "failed": 0,
        "unknown": 0,
        "recovery_p50_s": None,
        "recovery_p99_s": None,
    }
