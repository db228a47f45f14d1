import subprocess
import sys

from realtime.tests.support.worker_process import HOME, environment

START_WORKER = """
import django
django.setup()
from celery import current_app
current_app.conf.task_time_limit = 7200
current_app.worker_main(["worker", "-P", "solo"])
"""


def test_a_worker_with_time_limits_that_cannot_work_does_not_start() -> None:
    worker = subprocess.run(
        [sys.executable, "-c", START_WORKER],
        cwd=HOME,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert worker.returncode != 0
    assert "must be below the broker's visibility_timeout" in worker.stderr
    assert "Traceback" not in worker.stderr
