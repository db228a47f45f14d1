"""Results in Celery's result backend, and what ties tasks together."""

from typing import Any
from uuid import uuid4

import pytest
from celery import chain, chord, shared_task
from celery.backends.redis import RedisBackend

from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.tasks import JobTask
from realtime.tests.support import example_tasks
from realtime.tests.support.example_tasks import QUEUE, add_up
from realtime.tests.support.valkey import Valkey
from realtime.tests.support.worker_process import running_worker
from realtime.worker.tests.run_body import deliver, run, sync_task

SECONDS = 60


@shared_task(base=JobTask, name="test.results.child")
def child() -> None:
    pass


@pytest.mark.django_db(transaction=True)
def test_callers_get_results_of_calls_chains_and_chords(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"socket://{valkey.socket}"
    backend = RedisBackend(app=add_up.app, url=url)
    # Celery internal: each thread has a result backend of its own.
    monkeypatch.setattr(vars(add_up.app)["_local"], "backend", backend, raising=False)
    one, two, total = (add_up.s(*args).set(queue=QUEUE) for args in (([1],), ([2, 3],), ()))
    with running_worker(CELERY_RESULT_BACKEND=f"redis+{url}"):
        assert one.apply_async().get(timeout=SECONDS) == 1
        assert chord([one, two])(total).get(timeout=SECONDS) == 6
        assert (
            chain(one, example_tasks.enclose.s().set(queue=QUEUE), total)().get(timeout=SECONDS)
            == 1
        )
        ignored = example_tasks.discard_result.apply_async(queue=QUEUE)
        assert ignored.get(timeout=SECONDS) is None


@pytest.mark.django_db
def test_a_task_that_a_task_calls_knows_its_parent_and_root() -> None:
    results: list[Any] = []

    def call(self: JobTask) -> None:
        results.append(child.apply_async())
        results.append(child.apply_async(add_to_parent=False))
        enqueue(child)
        assert self.request.children == results[:1]

    job = run(sync_task, call)
    children = Job.objects.filter(task="test.results.child")
    ids = {"root_id": str(job.pk), "parent_id": str(job.pk)}
    assert len(children) == 3
    for each in children:
        assert each.options == each.options | ids


@pytest.mark.django_db
def test_a_call_outside_of_a_task_has_no_parent() -> None:
    child.apply_async()
    assert Job.objects.get().options == {}


@pytest.mark.django_db
@pytest.mark.parametrize("ignored", [True, False])
def test_a_result_says_whether_the_worker_ignores_it(ignored: bool) -> None:
    """`get` would wait for an ignored result for ever."""
    result = child.apply_async(ignore_result=ignored)
    assert result.ignored is ignored


@pytest.mark.django_db
def test_a_message_of_another_program_keeps_its_options() -> None:
    headers: dict[str, Any] = {
        "root_id": "root",
        "parent_id": "parent",
        "group": "group",
        "group_index": 1,
        "shadow": "another name",
        "retries": 0,
        "callbacks": [{"task": "after", "args": [], "kwargs": {}, "options": {}}],
        "headers": {"tenant": "north"},
        "stamped_headers": ["customer"],
        "stamps": {"customer": "ada"},
        "ignore_result": False,
        "timelimit": [100_000, 90_000],
    }
    task_id = str(uuid4())
    deliver(Job(id=task_id, args=[], kwargs={}), sync_task, **headers)
    stored = Job.objects.get(pk=task_id).options
    assert (stored["root_id"], stored["parent_id"]) == ("root", "parent")
    assert (stored["group_id"], stored["group_index"]) == ("group", 1)
    assert (stored["shadow"], stored["headers"]) == ("another name", {"tenant": "north"})
    assert stored["link"] == headers["callbacks"]
    assert (stored["stamped_headers"], stored["customer"]) == (["customer"], "ada")
    assert (stored["ignore_result"], stored["time_limit"]) == (False, 100_000)
