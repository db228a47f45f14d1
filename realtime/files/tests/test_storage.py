from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from realtime.files.storage import StoredFile, delete_orphans, file_of, folder_of, path_of
from realtime.files.tests.attached_files import attach
from realtime.models import Job
from realtime.states import FINISHED, JobState
from realtime.worker.tests.run_body import run, sync_task

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", JobState)
def test_only_a_finished_job_has_a_file(state: JobState) -> None:
    stored = StoredFile(name="a.csv", content_type="text/csv", size=3, key="1-a")
    job = Job(state=state, file=msgspec.to_builtins(stored))
    assert file_of(job) == (stored if state in FINISHED else None)


def test_a_file_is_in_the_folder_of_its_job(media: Path) -> None:
    job = Job()
    file = StoredFile(name="a.csv", content_type="text/csv", size=3, key="1-a")
    assert path_of(job, file) == media / "jobs" / job.pk.hex / "1-a"


def test_orphaned_folders_are_deleted(media: Path) -> None:
    job = run(sync_task, attach)
    orphan = folder_of(uuid4())
    orphan.mkdir()
    orphan.joinpath("1-half.part").write_bytes(b"half")
    (orphan.parent / "not-ours").mkdir()
    assert delete_orphans() == 1
    assert not orphan.exists()
    assert folder_of(job.pk).exists()
    assert (orphan.parent / "not-ours").exists()
    assert delete_orphans() == 0


def test_without_a_media_folder_there_are_no_orphans() -> None:
    assert delete_orphans() == 0
