"""That the benchmarks run and print what they should; how fast they are is no test's business."""

import json
import subprocess
import sys

import pytest

from realtime.tests.chaos.processes import HOME

pytestmark = pytest.mark.stack

KEYS = {"bench", "case", "metric", "value", "baseline", "baseline_value", "ratio"}


@pytest.mark.parametrize(("name", "lines"), [("jobs", 4), ("progress", 5)])
def test_a_benchmark_prints_its_lines(name: str, lines: int) -> None:
    command = [sys.executable, "-m", "realtime.benchmarks", "--small", name]
    ended = subprocess.run(
        command, cwd=HOME, capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL
    )
    assert ended.returncode == 0, ended.stderr
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(found) % lines == 0
    assert found
    for entry in found:
        assert entry.keys() == KEYS
        assert entry["bench"] == name
        assert entry["value"] > 0
        assert entry["ratio"] == pytest.approx(
            entry["value"] / entry["baseline_value"], rel=0.01, abs=0.0001
        )


def test_a_benchmark_that_does_not_exist_is_refused() -> None:
    command = [sys.executable, "-m", "realtime.benchmarks", "nonesuch"]
    ended = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=60)
    assert "there are" in ended.stderr
    assert ended.returncode == 1
