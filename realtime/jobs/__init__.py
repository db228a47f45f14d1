"""How a job is created, changes its state and reaches the broker."""

from realtime.jobs.create import aenqueue, enqueue

__all__ = ["aenqueue", "enqueue"]
