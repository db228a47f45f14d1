import re
from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery, current_app, shared_task

from realtime.batches.batch import enqueue_batch
from realtime.errors import TimeLimitRefused
from realtime.jobs.create import enqueue
from realtime.jobs.time_limits import FOR_ALL, problems
from realtime.models import Job
from realtime.tasks import JobTask


@shared_task(base=JobTask, name="test.time_limits.free")
def free() -> None:
    pass


def make_app(*, soft: float | None = 25, hard: float | None = 30, **options: Any) -> Celery:
    app = Celery("limits", broker=options.pop("broker", "redis://"), set_as_current=False)
    app.conf.update(task_soft_time_limit=soft, task_time_limit=hard)
    app.conf.broker_transport_options = options
    return app


def problems_of_all_tasks(app: Celery) -> list[str]:
    """Without the problems of single tasks: shared tasks of other tests belong to `app` too."""
    return [problem for problem in problems(app) if problem.startswith(FOR_ALL)]


@pytest.mark.parametrize(
    ("hard", "problem"),
    [
        (59, ""),
        (60, "All tasks: time_limit (60 s) must be below the broker's visibility_timeout (60 s)"),
        (61, "All tasks: time_limit (61 s) must be below the broker's visibility_timeout (60 s)"),
        (
            None,
            "All tasks: time_limit (not set) must be below the broker's visibility_timeout (60 s)",
        ),
    ],
)
def test_the_hard_limit_must_be_below_the_visibility_timeout(
    hard: float | None, problem: str
) -> None:
    sentences = problems_of_all_tasks(make_app(hard=hard, visibility_timeout=60))
    assert "".join(sentences).startswith(problem)
    assert bool(sentences) is bool(problem)


@pytest.mark.parametrize(("hard", "count"), [(3599, 0), (3600, 1)])
def test_the_default_visibility_timeout_of_redis_is_an_hour(hard: int, count: int) -> None:
    assert len(problems_of_all_tasks(make_app(hard=hard))) == count


def test_rabbitmq_has_no_visibility_timeout() -> None:
    assert problems_of_all_tasks(make_app(hard=None, soft=None, broker="amqp://")) == []


@pytest.mark.parametrize(("soft", "count"), [(None, 0), (29, 0), (30, 1), (31, 1)])
def test_the_soft_limit_must_be_below_the_hard_limit(soft: float | None, count: int) -> None:
    sentences = problems_of_all_tasks(make_app(soft=soft))
    assert len(sentences) == count
    assert all("soft_time_limit" in problem for problem in sentences)


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        ({}, 0),
        ({"time_limit": 59}, 0),
        ({"time_limit": 60}, 1),
        ({"time_limit": 20}, 1),
        ({"time_limit": 20, "soft_time_limit": 19}, 0),
        ({"soft_time_limit": 30}, 1),
    ],
)
def test_the_limits_of_single_tasks_are_checked(limits: dict[str, Any], count: int) -> None:
    app = make_app(visibility_timeout=60)

    @app.task(name="long", shared=False, **limits)
    def long_task() -> None:
        pass

    sentences = [problem for problem in problems(app) if "'long'" in problem]
    assert len(sentences) == count
    assert all(problem.startswith("Task 'long': ") for problem in sentences)


LIMITS_OF_A_CALL: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"time_limit": 59}, ""),
    ({"time_limit": 60}, "time_limit (60 s) must be below the broker's visibility_timeout (60 s)"),
    ({"time_limit": 61}, "time_limit (61 s) must be below the broker's visibility_timeout (60 s)"),
    ({"time_limit": 20, "soft_time_limit": 19}, ""),
    ({"time_limit": 20}, "soft_time_limit (25 s) must be below time_limit (20 s)"),
    ({"soft_time_limit": 29}, ""),
    ({"soft_time_limit": 30}, "soft_time_limit (30 s) must be below time_limit (30 s)"),
    ({"soft_time_limit": 31}, "soft_time_limit (31 s) must be below time_limit (30 s)"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("limits", "problem"), LIMITS_OF_A_CALL)
@pytest.mark.parametrize("way", ["enqueue", "apply_async", "batch"])
def test_the_limits_of_a_single_call_are_checked(
    monkeypatch: pytest.MonkeyPatch, way: str, limits: dict[str, Any], problem: str
) -> None:
    monkeypatch.setattr(free, "soft_time_limit", 25)
    monkeypatch.setattr(free, "time_limit", 30)
    monkeypatch.setitem(current_app.conf, "broker_transport_options", {"visibility_timeout": 60})
    call: Callable[[], Any] = {
        "enqueue": lambda: enqueue(free, **limits),
        "apply_async": lambda: free.apply_async(**limits),
        "batch": lambda: enqueue_batch(free, [()], title="Many", **limits),
    }[way]
    if problem:
        with pytest.raises(
            TimeLimitRefused, match=re.escape(f"Call of task 'test.time_limits.free': {problem}")
        ):
            call()
        assert not Job.objects.exists()
    else:
        call()
        assert Job.objects.get(task=free.name).options == limits
