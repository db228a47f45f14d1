"""The progress of a running task: its reports in memory, and how they are saved."""

from realtime.progress.progress import Progress

__all__ = ["Progress"]
