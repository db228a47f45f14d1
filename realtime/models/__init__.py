"""Models: the tables of `realtime` and the queries over them.

Nothing here changes the state of a job: see `realtime.jobs`.
"""

from realtime.models.event import JobEvent
from realtime.models.item import JobItem
from realtime.models.job import NO_JOB, Job, JobQuerySet, job_id_of
from realtime.models.queue_position import QueuePosition
from realtime.models.scheduled_run import ScheduledRun
from realtime.models.worker import HEARTBEAT_SECONDS, HEARTBEATS, Worker

__all__ = [
    "HEARTBEATS",
    "HEARTBEAT_SECONDS",
    "NO_JOB",
    "Job",
    "JobEvent",
    "JobItem",
    "JobQuerySet",
    "QueuePosition",
    "ScheduledRun",
    "Worker",
    "job_id_of",
]
