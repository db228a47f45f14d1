"""What the tests of `realtime.files` share: a body that attaches a file, and what is on disk."""

from pathlib import Path

from realtime.tasks import JobTask


def contents_on_disk(media: Path) -> list[bytes]:
    return [path.read_bytes() for path in media.rglob("*") if path.is_file()]


def attach(self: JobTask, content: bytes = b"abc", *, name: str = "a.csv") -> None:
    with self.progress.attach(name, content_type="text/csv") as file:
        file.write(content)
