"""That the benchmarks run and print what they should; how fast they are is no test's business."""

import json
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest
from django.db import connection

from realtime.benchmarks import fanout
from realtime.benchmarks.web_server import Server
from realtime.tests.chaos.processes import HOME

pytestmark = pytest.mark.stack

KEYS = {"bench", "case", "metric", "value", "baseline", "baseline_value", "ratio"}

FANNED_OUT = {
    "cpu_per_frame_us",
    "delivered_percent",
    "current_percent",
    "p50_ms",
    "p99_ms",
    "memory_per_socket_kib",
    "connected_percent",
    "connect_s",
}
BESIDE_PAGES = {
    "page_p50_ms",
    "page_p99_ms",
    "delivered_percent",
    "connected_percent",
    "connect_s",
}


def run_small(name: str, *options: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "realtime.benchmarks", "--small", *options, name]
    ended = subprocess.run(
        command, cwd=HOME, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
    )
    assert ended.returncode == 0, ended.stderr
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert found
    for entry in found:
        assert entry.keys() == KEYS
        assert entry["bench"] == name
    return found


def check_values(found: list[dict[str, Any]]) -> None:
    for entry in found:
        assert entry["value"] > 0, entry
        assert entry["ratio"] == pytest.approx(
            entry["value"] / entry["baseline_value"], rel=0.01, abs=0.0001
        )
        if entry["metric"].endswith("_percent"):
            assert entry["value"] <= 100
            assert entry["baseline_value"] <= 100


def test_throughput_is_measured_on_this_database() -> None:
    found = run_small("jobs", "--only", connection.vendor)
    assert len(found) == 4
    assert all(entry["case"].endswith(connection.vendor) for entry in found)
    check_values(found)


@pytest.mark.once
def test_the_calls_of_progress_are_measured() -> None:
    found = run_small("progress")
    assert len(found) == 5
    check_values(found)


@pytest.mark.once
@pytest.mark.parametrize(
    ("ours", "baselines"),
    [
        ("daphne", {"idiomatic on daphne"}),
        ("uvicorn", {"idiomatic on uvicorn", "websockets.broadcast"}),
    ],
)
def test_the_fan_out_is_compared_on_each_server(ours: str, baselines: set[str]) -> None:
    found = run_small("fanout", "--only", f"{ours}, 10x10Hz")
    assert {entry["case"] for entry in found} == {f"{ours}, 10x10Hz"}
    assert Counter((entry["baseline"], entry["metric"]) for entry in found) == Counter(
        (baseline, metric) for baseline in baselines for metric in FANNED_OUT
    )
    check_values(found)


@pytest.mark.once
def test_pages_are_measured_beside_a_crowd() -> None:
    found = run_small("fanout", "--only", "pages")
    assert Counter((entry["case"], entry["metric"]) for entry in found) == Counter(
        (f"{ours}, pages beside 10 sockets", metric)
        for ours in ("daphne", "uvicorn")
        for metric in BESIDE_PAGES
    )
    check_values(found)


@pytest.mark.parametrize(
    "watcher", ["at a socket", pytest.param("in Chromium", marks=pytest.mark.browser)]
)
@pytest.mark.once
def test_latency_is_that_of_progress_and_of_an_end(watcher: str) -> None:
    found = run_small("latency", "--only", watcher)
    assert Counter((entry["case"], entry["metric"]) for entry in found) == Counter(
        (f"{case}, {watcher}", metric)
        for case in ("advance", "end of a job")
        for metric in ("p50_ms", "p99_ms")
    )
    check_values(found)


@pytest.mark.once
def test_watchers_are_counted_up_to_the_most() -> None:
    found = run_small("capacity")
    assert [entry["case"].partition(",")[0] for entry in found] == ["uvicorn", "daphne"]
    for entry in found:  # none is carried in time where the machine is that busy
        assert entry["value"] in {0, 10}
        assert entry["baseline_value"] in {0, 10}


@pytest.mark.parametrize("seconds", [0.0, 10.0])
def test_a_baseline_that_takes_too_long_is_said_to(
    seconds: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fanout, "LIMIT", 5)

    def measured(server: Server, sockets: int) -> dict[str, float]:
        if not server.is_ours:
            time.sleep(seconds)
        return {"page_p99_ms": float(sockets)}

    fanout.compare("a case", {"daphne": ["idiomatic on daphne"]}, measured, 10, 2)
    (entry,) = map(json.loads, capsys.readouterr().out.splitlines())
    late = "idiomatic on daphne: timed out after 5 s"
    assert entry["value"] == 10
    assert entry["baseline"] == (late if seconds else "idiomatic on daphne")
    assert entry["ratio"] == (None if seconds else 1)


def test_a_benchmark_that_does_not_exist_is_refused() -> None:
    command = [sys.executable, "-m", "realtime.benchmarks", "nonesuch"]
    ended = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=60)
    assert "there are" in ended.stderr
    assert ended.returncode == 1
