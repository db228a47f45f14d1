"""What a running task reports of its progress, in memory, and how it is saved."""

from realtime.progress.progress import Progress

__all__ = ["Progress"]
