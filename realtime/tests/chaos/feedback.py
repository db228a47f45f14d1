"""The line to the mail server is cut right after the email was handed over.

Nobody can tell then whether it has arrived. Picha says so and sends nothing twice; a task that
tries again whatever raised sends it twice.
"""

import time
from collections.abc import Iterator
from typing import Final

from realtime.tests.chaos.audit import Fault, Verdict
from realtime.tests.chaos.load_generator import Asked, Load, give_feedback
from realtime.tests.chaos.processes import nap
from realtime.tests.chaos.profiles import Form
from realtime.tests.chaos.scenarios import LOOK, verdict
from realtime.tests.chaos.site_database import FINISHED, Row
from realtime.tests.chaos.stack import Rig

NAME: Final = "smtp cut after DATA"
TASK: Final = "send_feedback_email_task"
LETTERS: Final = 2
"""To the site's team and to the visitor."""
CUT: Final = 0.4
PLAIN: Final = "@plain.example>"


def run(rig: Rig, *, form: Form, seed: int) -> Iterator[Verdict]:
    rig.wait_until_ready()
    rig.mailbox.cut = CUT
    asked = ask(rig, form=form, seed=seed)
    load = Load(
        rig, name=f"mail.{seed}", form=form, jobs=form.emails * LETTERS, kinds=["plain_mail"]
    )
    load.start()
    load.join()
    rows = drain(rig, asked, load.kinds["plain_mail"], form=form)
    rig.mailbox.cut = 0.0
    happened = [Fault(ended_at=time.time())]
    yield verdict(NAME, "picha", rig, asked, happened, **judge(rig, asked, rows))
    plain = load.kinds["plain_mail"]
    yield verdict(NAME, "plain celery", rig, plain, happened, **judge_plain(rig, plain))


def ask(rig: Rig, *, form: Form, seed: int) -> Asked:
    asked = Asked("feedback", "")
    for number in range(form.emails):
        job_id = give_feedback(rig.url, email=f"visitor{seed}.{number}@site.example")
        asked.sent.add(job_id or f"refused {number}")
        if job_id:
            asked.acknowledged[job_id] = time.time()
    return asked


def drain(rig: Rig, asked: Asked, plain: Asked, *, form: Form) -> list[Row]:
    deadline = time.monotonic() + form.drain
    while True:
        rows = [row for row in rig.rows.jobs() if row.id in asked.acknowledged]
        ended = all(row.state in FINISHED for row in rows)
        came = all(f"<{token}{PLAIN}" in rig.mailbox.taken for token in plain.acknowledged)
        retried = any(f'"{plain.prefix}' in message for message in rig.held_by_broker())
        if (ended and came and not retried) or time.monotonic() > deadline:
            return rows
        nap(LOOK)


def judge(rig: Rig, asked: Asked, rows: list[Row]) -> dict[str, object]:
    came = {name: count for name, count in rig.mailbox.taken.items() if not name.endswith(PLAIN)}
    states = [state for (job, _), state in rig.rows.items().items() if job in asked.sent]
    promised = LETTERS * len(asked.acknowledged)
    return {
        "lost": max(0, promised - len(came)) + len(asked.acknowledged) - len(rows),
        "unexpected": max(0, len(came) - LETTERS * len(asked.sent)),
        "duplicated_effects": sum(count - 1 for count in came.values()),
        "duplicated_executions": 0,
        "stuck": sum(row.state not in FINISHED for row in rows),
        "failed": sum(row.state == "failed" for row in rows),
        "unknown": states.count("unknown"),
        "recovery_p50_s": None,
        "recovery_p99_s": None,
    }


def judge_plain(rig: Rig, asked: Asked) -> dict[str, object]:
    came = {token: rig.mailbox.taken[f"<{token}{PLAIN}"] for token in asked.sent}
    return {
        "lost": sum(not came[token] for token in asked.acknowledged),
        "unexpected": 0,
        "duplicated_effects": sum(max(0, count - 1) for count in came.values()),
        "duplicated_executions": sum(max(0, count - 1) for count in came.values()),
        "stuck": 0,
        "failed": 0,
        "unknown": 0,
        "recovery_p50_s": None,
        "recovery_p99_s": None,
    }
