"""Benchmarks: `python -m realtime.benchmarks [--small] [--only CASE] [NAME]...`.

Prints one line of JSON for each result. Each benchmark runs in its own process and starts its own
Valkey and database. If `TEST_DATABASE_URL` or `BENCH_DATABASE_URL` is set, the benchmarks that
depend on the database run on PostgreSQL as well.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from realtime.benchmarks.site import run, running_site
from realtime.tests.support.databases import server_url


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    full: Sequence[float]
    """The arguments of the benchmark's module, which documents them."""
    small: Sequence[float]
    on_postgresql: bool = False


BENCHMARKS: Final = {
    "jobs": Benchmark(full=(1000, 3), small=(30, 1), on_postgresql=True),
    "progress": Benchmark(full=(500_000, 5), small=(5_000, 1)),
    "fanout": Benchmark(full=(4, 1, 3, 5000, 500, 2000), small=(0.3, 30, 1, 10, 10)),
    "latency": Benchmark(full=(20, 30), small=(4, 3)),
    "capacity": Benchmark(full=(4, 12_000), small=(1, 10)),
}


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(prog="python -m realtime.benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument(
        "--small", action="store_true", help="check that the benchmarks run; the figures are rough"
    )
    parser.add_argument(
        "--only", default="", metavar="CASE", help="run only the cases whose name contains CASE"
    )
    options = parser.parse_args()
    for name in options.names or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"Unknown benchmark {name!r}. Choose from: {', '.join(BENCHMARKS)}.")
        run_benchmark(name, small=options.small, only=options.only)


def run_benchmark(name: str, *, small: bool, only: str) -> None:
    benchmark = BENCHMARKS[name]
    server = os.environ.get("BENCH_DATABASE_URL") or server_url()
    arguments = benchmark.small if small else benchmark.full
    for database in ["", server] if server and benchmark.on_postgresql else [""]:
        with (
            tempfile.TemporaryDirectory(prefix="picha-bench-") as folder,
            running_site(Path(folder), server=database) as environment,
        ):
            environment["BENCH_ONLY"] = only
            run(environment, "-m", f"realtime.benchmarks.{name}", *map(str, arguments))


if __name__ == "__main__":
    main()
