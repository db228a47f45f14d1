"""What may be shown of a job at one moment, and in which words."""

from realtime.snapshots.build import public

__all__ = ["public"]
