"""The benchmarks run and print their results; the tests do not check how fast anything is."""

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

FANOUT_METRICS = {
    "cpu_per_frame_us",
    "delivered_percent",
    "current_percent",
    "p50_ms",
    "p99_ms",
    "memory_per_socket_kib",
    "connected_percent",
    "connect_s",
}
PAGE_METRICS = {
    "page_p50_ms",
    "page_p99_ms",
    "delivered_percent",
    "connected_percent",
    "connect_s",
}


def run_small(name: str, *options: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "realtime.benchmarks", "--small", *options, name]
    process = subprocess.run(
        command, cwd=HOME, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL
    )
    assert process.returncode == 0, process.stderr
    results = [json.loads(line) for line in process.stdout.splitlines()]
    assert results
    for result in results:
        assert result.keys() == KEYS
        assert result["bench"] == name
    return results


def check_values(results: list[dict[str, Any]]) -> None:
    for result in results:
        assert result["value"] > 0, result
        assert result["ratio"] == pytest.approx(
            result["value"] / result["baseline_value"], rel=0.01, abs=0.0001
        )
        if result["metric"].endswith("_percent"):
            assert result["value"] <= 100
            assert result["baseline_value"] <= 100


def test_throughput_is_measured_on_the_database_of_the_tests() -> None:
    results = run_small("jobs", "--only", connection.vendor)
    assert len(results) == 4
    assert all(result["case"].endswith(connection.vendor) for result in results)
    check_values(results)


@pytest.mark.once
def test_progress_calls_are_measured() -> None:
    results = run_small("progress")
    assert len(results) == 5
    check_values(results)


@pytest.mark.once
@pytest.mark.parametrize(
    ("ours", "baselines"),
    [
        ("daphne", {"Channels consumer on daphne"}),
        ("uvicorn", {"Channels consumer on uvicorn", "websockets.broadcast"}),
    ],
)
def test_fanout_is_compared_with_the_baselines_of_each_server(
    ours: str, baselines: set[str]
) -> None:
    results = run_small("fanout", "--only", f"{ours}, 10x10Hz")
    assert {result["case"] for result in results} == {f"{ours}, 10x10Hz"}
    assert Counter((result["baseline"], result["metric"]) for result in results) == Counter(
        (baseline, metric) for baseline in baselines for metric in FANOUT_METRICS
    )
    check_values(results)


@pytest.mark.once
def test_pages_are_measured_while_clients_are_connected() -> None:
    results = run_small("fanout", "--only", "pages")
    assert Counter((result["case"], result["metric"]) for result in results) == Counter(
        (f"{ours}, pages beside 10 sockets", metric)
        for ours in ("daphne", "uvicorn")
        for metric in PAGE_METRICS
    )
    check_values(results)


@pytest.mark.parametrize(
    "client_name", ["at a socket", pytest.param("in Chromium", marks=pytest.mark.browser)]
)
@pytest.mark.once
def test_latency_is_measured_for_progress_and_for_the_end_of_a_job(client_name: str) -> None:
    results = run_small("latency", "--only", client_name)
    assert Counter((result["case"], result["metric"]) for result in results) == Counter(
        (f"{case}, {client_name}", metric)
        for case in ("advance", "end of a job")
        for metric in ("p50_ms", "p99_ms")
    )
    check_values(results)


@pytest.mark.once
def test_capacity_is_tried_up_to_the_maximum() -> None:
    results = run_small("capacity")
    assert [result["case"].partition(",")[0] for result in results] == ["uvicorn", "daphne"]
    for result in results:  # 0 if the machine is too busy to serve even 10 in time
        assert result["value"] in {0, 10}
        assert result["baseline_value"] in {0, 10}


@pytest.mark.parametrize("seconds", [0.0, 10.0])
def test_a_baseline_that_takes_too_long_is_reported_as_timed_out(
    seconds: float, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(server: Server, sockets: int) -> dict[str, float]:
        if not server.is_ours:
            time.sleep(seconds)
        return {"page_p99_ms": float(sockets)}

    fanout.compare("a case", {"daphne": ["Channels consumer on daphne"]}, measure, 10, 2, limit=5)
    (result,) = map(json.loads, capsys.readouterr().out.splitlines())
    timed_out = "Channels consumer on daphne: timed out after 5 s"
    assert result["value"] == 10
    assert result["baseline"] == (timed_out if seconds else "Channels consumer on daphne")
    assert result["ratio"] == (None if seconds else 1)


def test_an_unknown_benchmark_is_an_error_that_lists_the_known_ones() -> None:
    command = [sys.executable, "-m", "realtime.benchmarks", "nonesuch"]
    process = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=60)
    assert "Choose from: jobs, " in process.stderr
    assert process.returncode == 1
