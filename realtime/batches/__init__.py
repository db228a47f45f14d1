"""Jobs that consist of other jobs: created together, added up, ended together."""

from realtime.batches.batch import aenqueue_batch, enqueue_batch

__all__ = ["aenqueue_batch", "enqueue_batch"]
