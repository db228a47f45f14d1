"""Snapshots: what viewers see of a job at one moment, and the texts that describe it."""

from realtime.snapshots.build import public

__all__ = ["public"]
