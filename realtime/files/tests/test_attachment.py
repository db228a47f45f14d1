"""A task attaches a file: completely or not at all, and never a larger one than allowed."""

import csv
import io
import zipfile
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from realtime.actions import run_again
from realtime.errors import Cancelled, FileTooLarge, JobError, LeaseLost
from realtime.files import storage
from realtime.files.storage import StoredFile, folder_of
from realtime.files.tests.attached_files import attach, contents_on_disk
from realtime.jobs import lease
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.progress.progress import Progress
from realtime.snapshots.build import load_for_snapshots, public
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.worker.tests.run_body import deliver, run, set_body, sync_task

pytestmark = pytest.mark.django_db


def file_of_finished(job: Job) -> StoredFile:
    file = storage.file_of(job)
    assert file
    return file


def test_a_job_has_the_file_that_its_task_attached(media: Path) -> None:
    job = run(sync_task, attach)
    file = file_of_finished(job)
    assert (file.name, file.content_type, file.size) == ("a.csv", "text/csv", 3)
    assert storage.path_of(job, file).read_bytes() == b"abc"
    assert contents_on_disk(media) == [b"abc"]


def test_viewers_do_not_see_where_the_file_is_on_disk() -> None:
    job = run(sync_task, attach)
    shown = public(load_for_snapshots([job.pk])[0]).file
    assert shown
    assert (shown.name, shown.size, shown.url) == ("a.csv", 3, f"/jobs/{job.pk}/file/")


def test_a_running_job_has_no_file(media: Path) -> None:
    seen = []

    def look(self: JobTask) -> None:
        with self.progress.attach("a.csv") as file:
            file.write(b"abc")
            file.flush()
            seen.append([path.suffix for path in media.rglob("*") if path.is_file()])
        job = Job.objects.get(pk=self.job_id)
        seen.append(job.file or public(job).file)  # type: ignore[arg-type]

    run(sync_task, look)
    assert seen == [[".part"], None]


def test_the_last_attached_file_replaces_earlier_ones(media: Path) -> None:
    def twice(self: JobTask) -> None:
        attach(self, b"first")
        attach(self, b"second", name="b.csv")

    assert file_of_finished(run(sync_task, twice)).name == "b.csv"
    assert contents_on_disk(media) == [b"second"]


class Broken(JobError):
    pass


@pytest.mark.parametrize(
    ("error", "state"),
    [(Broken("It broke."), JobState.FAILED), (Cancelled(), JobState.CANCELLED)],
)
@pytest.mark.parametrize("is_within", [True, False])
def test_an_attempt_that_fails_leaves_no_file(
    media: Path, error: BaseException, state: JobState, is_within: bool
) -> None:
    def fail(self: JobTask) -> None:
        with self.progress.attach("a.csv") as file:
            file.write(b"abc")
            if is_within:
                raise error
        raise error

    job = run(sync_task, fail)
    assert (job.state, job.file) == (state, None)
    assert contents_on_disk(media) == []
    assert not folder_of(job.pk).exists()


def test_an_attempt_without_lease_does_not_delete_the_file_of_the_next(media: Path) -> None:
    def lose(self: JobTask) -> None:
        attach(self, b"the first attempt's")
        folder_of(self.job_id).joinpath("2-second").write_bytes(b"the second attempt's")
        Job.objects.filter(pk=self.job_id).update(attempt=2)

    job = run(sync_task, lose)
    assert job.state == JobState.RUNNING
    assert contents_on_disk(media) == [b"the second attempt's"]


def test_an_attempt_that_is_stopped_deletes_its_partial_file(media: Path) -> None:
    def lose(self: JobTask) -> None:
        with self.progress.attach("a.csv") as file:
            file.write(b"abc")
            raise LeaseLost

    run(sync_task, lose)
    assert contents_on_disk(media) == []


def test_the_next_attempt_deletes_the_file_of_a_killed_one(media: Path) -> None:
    job = enqueue(sync_task)
    Job.objects.filter(pk=job.pk).update(attempt=1)
    folder_of(job.pk).mkdir(parents=True)
    folder_of(job.pk).joinpath("1-killed.part").write_bytes(b"half")
    set_body(attach)
    deliver(job, sync_task)
    job.refresh_from_db()
    assert file_of_finished(job).size == 3
    assert contents_on_disk(media) == [b"abc"]


def test_a_late_deletion_does_not_delete_the_file_of_the_next_attempt(media: Path) -> None:
    """The process was stopped between the commit of the end and the deletion."""
    job = enqueue(sync_task)
    first = attach_without_ending(job)
    assert lease.retry_later(first.job, due_at=timezone.now(), error="Later.")
    second = attach_without_ending(job)
    first.attachment.delete_unused(had_lease=True, is_saved=False)
    assert lease.finish(second.job, result=None, file=second.attachment.row_value())
    second.attachment.delete_unused(had_lease=True, is_saved=True)
    job.refresh_from_db()
    assert storage.path_of(job, file_of_finished(job)).read_bytes() == b"of attempt 2"
    assert contents_on_disk(media) == [b"of attempt 2"]


def test_a_late_deletion_does_not_delete_the_partial_file_of_the_next_attempt(media: Path) -> None:
    job = enqueue(sync_task)
    first = attach_without_ending(job)
    assert lease.fail(first.job, code="c", error="It broke.")
    job.refresh_from_db()
    assert run_again(job)
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    with Progress(claimed).attach("a.csv") as file:
        file.write(b"half")
        file.flush()
        first.attachment.delete_unused(had_lease=True, is_saved=False)
        assert contents_on_disk(media) == [b"half"]
    assert contents_on_disk(media) == [b"half"]


def attach_without_ending(job: Job) -> Progress:
    """The progress of an attempt that has attached its file and has not ended yet."""
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    progress = Progress(claimed)
    with progress.attach("a.csv") as file:
        file.write(f"of attempt {claimed.attempt}".encode())
    return progress


def test_a_job_that_runs_again_attaches_a_new_file(media: Path) -> None:
    job = run(sync_task, attach)
    assert run_again(job)
    job.refresh_from_db()
    assert job.file is None
    deliver(job, sync_task)
    job.refresh_from_db()
    assert file_of_finished(job).name == "a.csv"
    assert contents_on_disk(media) == [b"abc"]


@pytest.mark.parametrize("size", [9, 10])
def test_a_file_may_be_as_large_as_the_limit(settings: Settings, size: int) -> None:
    settings.REALTIME_FILE_MAX_BYTES = 10
    assert file_of_finished(run(sync_task, lambda self: attach(self, b"x" * size))).size == size


def test_a_job_with_a_larger_file_fails_and_says_why(settings: Settings, media: Path) -> None:
    settings.REALTIME_FILE_MAX_BYTES = 10
    job = run(sync_task, lambda self: attach(self, b"x" * 11))
    assert (job.state, job.error_code) == (JobState.FAILED, "file_too_large")
    assert job.error == "The file is too large: up to 10 bytes are allowed."
    assert contents_on_disk(media) == []


def test_the_error_names_the_limit_in_a_readable_unit(settings: Settings) -> None:
    settings.REALTIME_FILE_MAX_BYTES = 1024 * 1024

    def grow(self: JobTask) -> None:
        with self.progress.attach("a.csv") as file:
            file.truncate(1024 * 1024 + 1)

    assert "up to 1 MiB" in run(sync_task, grow).error


def test_a_task_that_never_stops_writing_is_stopped_at_the_limit(
    settings: Settings, media: Path
) -> None:
    settings.REALTIME_FILE_MAX_BYTES = 100_000
    largest = []

    def flood(self: JobTask) -> None:
        with self.progress.attach("a.csv") as file:
            try:
                while True:
                    file.write(b"x" * 1000)
            finally:
                largest.append(max(len(content) for content in contents_on_disk(media)))

    assert run(sync_task, flood).error_code == "file_too_large"
    assert largest[0] <= 100_000


def test_libraries_that_seek_can_write_it() -> None:
    def archive(self: JobTask) -> None:
        with (
            self.progress.attach("a.zip", content_type="application/zip") as file,
            zipfile.ZipFile(file, "w") as into,
        ):
            into.writestr("b.txt", "c" * 10_000)

    job = run(sync_task, archive)
    with zipfile.ZipFile(storage.path_of(job, file_of_finished(job))) as whole:
        assert whole.read("b.txt") == b"c" * 10_000


def test_text_can_be_written_through_a_wrapper() -> None:
    def table(self: JobTask) -> None:
        with (
            self.progress.attach("a.csv", content_type="text/csv; charset=utf-8") as file,
            io.TextIOWrapper(file, encoding="utf-8", newline="") as text,
        ):
            csv.writer(text).writerow(["ä", 1])

    job = run(sync_task, table)
    assert storage.path_of(job, file_of_finished(job)).read_text(encoding="utf-8") == "ä,1\n"


@pytest.mark.parametrize("content_type", ["", "text", "text/html\r\nX: y", "a/b; c", "täxt/csv"])
def test_an_invalid_content_type_is_refused(content_type: str, media: Path) -> None:
    def attach_invalid(self: JobTask) -> None:
        with self.progress.attach("a", content_type=content_type):
            pass

    assert "content type" in run(sync_task, attach_invalid).traceback
    assert contents_on_disk(media) == []


def test_the_owner_may_read_the_error() -> None:
    assert issubclass(FileTooLarge, JobError)
