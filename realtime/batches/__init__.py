"""Batches: jobs that consist of child jobs."""

from realtime.batches.batch import aenqueue_batch, enqueue_batch

__all__ = ["aenqueue_batch", "enqueue_batch"]
