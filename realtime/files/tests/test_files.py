"""What a task attaches to its job: whole or not at all, never too large, and gone with the job."""

import csv
import io
import unicodedata
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from realtime.actions import run_again
from realtime.errors import Cancelled, FileTooLarge, JobError, LeaseLost
from realtime.files import storage
from realtime.files.names import NAME_MAX, clean_name
from realtime.files.storage import StoredFile, delete_orphans, folder_of
from realtime.jobs import lease
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.progress.progress import Progress
from realtime.snapshots.build import load_for_snapshots, public
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.worker.tests import test_task as test_tasks
from realtime.worker.tests.test_task import deliver, run, sync_task

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def on_disk(media: Path) -> list[bytes]:
    return [path.read_bytes() for path in media.rglob("*") if path.is_file()]


def attach(self: JobTask, content: bytes = b"abc", *, name: str = "a.csv") -> None:
    with self.progress.attach(name, content_type="text/csv") as file:
        file.write(content)


def made_by(job: Job) -> StoredFile:
    file = storage.file_of(job)
    assert file
    return file


def test_a_job_has_the_file_that_its_task_attached(media: Path) -> None:
    job = run(sync_task, attach)
    file = made_by(job)
    assert (file.name, file.content_type, file.size) == ("a.csv", "text/csv", 3)
    assert storage.path_of(job, file).read_bytes() == b"abc"
    assert on_disk(media) == [b"abc"]


def test_watchers_are_shown_it_without_its_place_on_the_disk() -> None:
    job = run(sync_task, attach)
    shown = public(load_for_snapshots([job.pk])[0]).file
    assert shown
    assert (shown.name, shown.size, shown.url) == ("a.csv", 3, f"/jobs/{job.pk}/file/")


def test_before_the_end_there_is_none(media: Path) -> None:
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


def test_the_last_one_holds(media: Path) -> None:
    def twice(self: JobTask) -> None:
        attach(self, b"first")
        attach(self, b"second", name="b.csv")

    assert made_by(run(sync_task, twice)).name == "b.csv"
    assert on_disk(media) == [b"second"]


class Broken(JobError):
    pass


@pytest.mark.parametrize(
    ("error", "state"),
    [(Broken("It broke."), JobState.FAILED), (Cancelled(), JobState.CANCELLED)],
)
@pytest.mark.parametrize("within", [True, False])
def test_an_attempt_that_does_not_end_well_leaves_nothing(
    media: Path, error: BaseException, state: JobState, within: bool
) -> None:
    def fail(self: JobTask) -> None:
        with self.progress.attach("a.csv") as file:
            file.write(b"abc")
            if within:
                raise error
        raise error

    job = run(sync_task, fail)
    assert (job.state, job.file) == (state, None)
    assert on_disk(media) == []
    assert not folder_of(job.pk).exists()


def test_a_zombie_leaves_its_successors_file_alone(media: Path) -> None:
    def lose(self: JobTask) -> None:
        attach(self, b"the zombie's")
        folder_of(self.job_id).joinpath("2-successor").write_bytes(b"the successor's")
        Job.objects.filter(pk=self.job_id).update(attempt=2)

    job = run(sync_task, lose)
    assert job.state == JobState.RUNNING
    assert on_disk(media) == [b"the successor's"]


def test_a_zombie_that_is_stopped_leaves_no_part(media: Path) -> None:
    def lose(self: JobTask) -> None:
        with self.progress.attach("a.csv") as file:
            file.write(b"abc")
            raise LeaseLost

    run(sync_task, lose)
    assert on_disk(media) == []


def test_what_a_killed_attempt_left_goes_with_the_next_end(media: Path) -> None:
    job = enqueue(sync_task)
    Job.objects.filter(pk=job.pk).update(attempt=1)
    folder_of(job.pk).mkdir(parents=True)
    folder_of(job.pk).joinpath("1-killed.part").write_bytes(b"half")
    test_tasks.body = attach
    deliver(job, sync_task)
    job.refresh_from_db()
    assert made_by(job).size == 3
    assert on_disk(media) == [b"abc"]


def test_an_end_that_comes_late_leaves_the_next_attempts_file_alone(media: Path) -> None:
    """Its process stood still between the commit of the end and the tidying up."""
    job = enqueue(sync_task)
    first = begin(job)
    assert lease.retry_later(first.job, due_at=timezone.now(), error="Later.")
    second = begin(job)
    first.attachment.delete_unused(had_lease=True, is_saved=False)
    assert lease.finish(second.job, result=None, file=second.attachment.row_value())
    second.attachment.delete_unused(had_lease=True, is_saved=True)
    job.refresh_from_db()
    assert storage.path_of(job, made_by(job)).read_bytes() == b"of attempt 2"
    assert on_disk(media) == [b"of attempt 2"]


def test_an_end_that_comes_late_leaves_what_the_next_attempt_writes_alone(media: Path) -> None:
    job = enqueue(sync_task)
    first = begin(job)
    assert lease.fail(first.job, code="c", error="It broke.")
    job.refresh_from_db()
    assert run_again(job)
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    with Progress(claimed).attach("a.csv") as file:
        file.write(b"half")
        file.flush()
        first.attachment.delete_unused(had_lease=True, is_saved=False)
        assert on_disk(media) == [b"half"]
    assert on_disk(media) == [b"half"]


def begin(job: Job) -> Progress:
    """An attempt that has attached its file, and not ended yet."""
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    progress = Progress(claimed)
    with progress.attach("a.csv") as file:
        file.write(f"of attempt {claimed.attempt}".encode())
    return progress


def test_run_again_the_file_is_made_anew(media: Path) -> None:
    job = run(sync_task, attach)
    assert run_again(job)
    job.refresh_from_db()
    assert job.file is None
    deliver(job, sync_task)
    job.refresh_from_db()
    assert made_by(job).name == "a.csv"
    assert on_disk(media) == [b"abc"]


@pytest.mark.parametrize("size", [9, 10])
def test_up_to_the_limit_a_file_may_grow(settings: Settings, size: int) -> None:
    settings.REALTIME_FILE_MAX_BYTES = 10
    assert made_by(run(sync_task, lambda self: attach(self, b"x" * size))).size == size


def test_over_the_limit_the_job_says_so(settings: Settings, media: Path) -> None:
    settings.REALTIME_FILE_MAX_BYTES = 10
    job = run(sync_task, lambda self: attach(self, b"x" * 11))
    assert (job.state, job.error_code) == (JobState.FAILED, "file_too_large")
    assert job.error == "The file is too large: up to 10 bytes are allowed."
    assert on_disk(media) == []


def test_the_limit_is_told_in_words_for_people(settings: Settings) -> None:
    settings.REALTIME_FILE_MAX_BYTES = 1024 * 1024

    def grow(self: JobTask) -> None:
        with self.progress.attach("a.csv") as file:
            file.truncate(1024 * 1024 + 1)

    assert "up to 1 MiB" in run(sync_task, grow).error


def test_a_task_that_writes_on_and_on_is_stopped_at_the_limit(
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
                largest.append(max(len(content) for content in on_disk(media)))

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
    with zipfile.ZipFile(storage.path_of(job, made_by(job))) as whole:
        assert whole.read("b.txt") == b"c" * 10_000


def test_text_can_be_written_through_a_wrapper() -> None:
    def table(self: JobTask) -> None:
        with (
            self.progress.attach("a.csv", content_type="text/csv; charset=utf-8") as file,
            io.TextIOWrapper(file, encoding="utf-8", newline="") as text,
        ):
            csv.writer(text).writerow(["ä", 1])

    job = run(sync_task, table)
    assert storage.path_of(job, made_by(job)).read_text(encoding="utf-8") == "ä,1\n"


@pytest.mark.parametrize("content_type", ["", "text", "text/html\r\nX: y", "a/b; c", "täxt/csv"])
def test_what_is_no_content_type_is_refused(content_type: str, media: Path) -> None:
    def lie(self: JobTask) -> None:
        with self.progress.attach("a", content_type=content_type):
            pass

    assert "content type" in run(sync_task, lie).traceback
    assert on_disk(media) == []


# Names


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("photos.xlsx", "photos.xlsx"),
        ("Übersicht 2026.xlsx", "Übersicht 2026.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\windows\\a.txt", "a.txt"),
        (".htaccess", "htaccess"),
        ("a\r\nSet-Cookie: b=c.csv", "aSet-Cookie_ b=c.csv"),
        ('a"; filename="b.exe', "a_; filename=_b.exe"),
        ("gnp.\u202excod.exe", "gnp.xcod.exe"),
        ("a\x00b.csv", "ab.csv"),
        ("\ud800.csv", "csv"),
        ("trailing. . .", "trailing"),
        ("e\u0301.csv", "é.csv"),
        ("e\u200d\u0301.csv", "é.csv"),
        ("a. csv", "a.csv"),
        ("..", "file"),
        ("", "file"),
        ("/", "file"),
    ],
)
def test_any_name_becomes_one_that_can_be_used(name: str, clean: str) -> None:
    assert clean_name(name) == clean


def test_a_long_name_is_cut_before_its_ending() -> None:
    name = clean_name("x" * 300 + ".xlsx")
    assert len(name) == NAME_MAX
    assert name.endswith("x.xlsx")


@given(st.text())
@example("a\u200d\u0301")
@example("a." + "b" * 19 + " c")
@example("a." + "b" * 200 + "." + " " * 20 + "c")
def test_no_name_is_dangerous(name: str) -> None:
    clean = clean_name(name)
    assert 0 < len(clean) <= NAME_MAX
    assert not set(clean) & set('/\\<>:"|?*')
    assert clean[0] != "."
    assert not any(unicodedata.category(sign)[0] == "C" for sign in clean)
    assert clean_name(clean) == clean


# Deleted with the job


def test_a_deleted_job_takes_its_file_with_it(
    media: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    job, other = run(sync_task, attach), run(sync_task, attach)
    gone = folder_of(job.pk)
    assert gone.exists()
    with django_capture_on_commit_callbacks(execute=True):
        job.delete()
    assert not gone.exists()
    assert folder_of(other.pk).exists()


def test_a_bulk_deletion_takes_all_files_and_those_of_the_parts(
    media: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    parent, part = run(sync_task, attach), run(sync_task, attach)
    Job.objects.filter(pk=part.pk).update(parent=parent)
    with django_capture_on_commit_callbacks(execute=True):
        Job.objects.filter(pk=parent.pk).delete()
    assert on_disk(media) == []
    assert not Job.objects.exists()


def test_a_deletion_that_is_rolled_back_deletes_no_file(media: Path) -> None:
    job = run(sync_task, attach)
    job.delete()  # the test's own transaction is never committed
    assert on_disk(media) == [b"abc"]


def test_what_deleted_jobs_have_left_behind_is_swept(media: Path) -> None:
    job = run(sync_task, attach)
    left = folder_of(uuid4())
    left.mkdir()
    left.joinpath("1-half.part").write_bytes(b"half")
    (left.parent / "not-ours").mkdir()
    assert delete_orphans() == 1
    assert not left.exists()
    assert folder_of(job.pk).exists()
    assert (left.parent / "not-ours").exists()
    assert delete_orphans() == 0


def test_where_there_are_no_files_there_is_nothing_to_sweep() -> None:
    assert delete_orphans() == 0


def test_the_limit_is_an_error_for_people() -> None:
    assert issubclass(FileTooLarge, JobError)
