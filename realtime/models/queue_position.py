"""QueuePosition: where a waiting job stands in its queue at one moment."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class QueuePosition:
    place: int | None
    """1 for the next job of the queue; None for a job that is not queued."""
    is_worker_up: bool
    seconds_per_place: float | None
    """None if no job of the queue runs, or none has succeeded lately."""
