import subprocess
import sys

from realtime.tests.support.worker_process import HOME, environment

START_WORKER = """
import sys
import django
django.setup()
from celery import current_app
current_app.conf.task_time_limit = int(sys.argv[1])
current_app.worker_main(["worker", "-P", "solo", *sys.argv[2:]])
"""

START_TEST_WORKER = """
import django
django.setup()
from celery import current_app
from celery.contrib.testing.worker import start_worker
current_app.conf.broker_url = "memory://"
with start_worker(current_app, perform_ping_check=False):
    print("started")
"""


def error_of_worker(*options: str, time_limit: int = 1800) -> str:
    """The error with which a worker refuses to start."""
    worker = subprocess.run(
        [sys.executable, "-c", START_WORKER, str(time_limit), *options],
        cwd=HOME,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert worker.returncode != 0
    assert "Traceback" not in worker.stderr
    return worker.stderr


def test_a_worker_with_time_limits_that_cannot_work_does_not_start() -> None:
    error = error_of_worker(time_limit=7200)
    assert "must be below the broker's visibility_timeout" in error


def test_a_worker_without_heartbeats_does_not_start() -> None:
    assert "--without-heartbeat" in error_of_worker("--without-heartbeat")


def test_the_worker_of_celerys_test_helper_starts() -> None:
    """It has no heartbeat unless a test asks for one."""
    worker = subprocess.run(
        [sys.executable, "-c", START_TEST_WORKER],
        cwd=HOME,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (worker.stdout, worker.returncode) == ("started\n", 0), worker.stderr
