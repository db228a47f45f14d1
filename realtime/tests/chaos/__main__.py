"""Chaos: `python -m realtime.tests.chaos [--short] [--seed N] [--database URL]... [NAME]...`

Runs each scenario with Picha's jobs and with plain Celery tasks, and prints one line of JSON for
each of the two. Exits with status 1 if Picha has broken a promise.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from realtime.tests.chaos import feedback, two_beats
from realtime.tests.chaos.audit import Verdict
from realtime.tests.chaos.profiles import LONG, SHORT, Profile
from realtime.tests.chaos.scenarios import run, scenarios
from realtime.tests.chaos.stack import Stack, running_stack
from realtime.tests.support.databases import server_url


def main() -> int:
    # SIGTERM must run the `finally` blocks, which end the processes that this one has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(prog="python -m realtime.tests.chaos")
    parser.add_argument(
        "names", nargs="*", help="run only the scenarios whose names contain one of these"
    )
    parser.add_argument("--short", action="store_true", help="takes minutes instead of hours")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", action="append", help="a PostgreSQL server, or sqlite")
    options = parser.parse_args()
    servers = options.database or ["sqlite", *filter(None, [server_url()])]
    profile = SHORT if options.short else LONG
    failures = [
        failure
        for server in servers
        for failure in run_all(profile, server=server, seed=options.seed, names=options.names)
    ]
    for failure in failures:
        sys.stderr.write(f"Broken promise: {failure}\n")
    return 1 if failures else 0


def run_all(profile: Profile, *, server: str, seed: int, names: list[str]) -> list[str]:
    """Prints the verdicts; returns the promises that Picha has broken."""
    failures = []
    server = "" if server == "sqlite" else server
    with (
        tempfile.TemporaryDirectory(prefix="picha-chaos-") as folder,
        running_stack(Path(folder), server=server, seed=seed, settings=profile.settings) as stack,
    ):
        for verdict in verdicts(stack, profile=profile, seed=seed, names=names):
            sys.stdout.write(verdict.to_json() + "\n")
            sys.stdout.flush()
            if verdict.system == "picha" and verdict.broken_promises:
                failures.append(
                    f"{verdict.scenario}, {verdict.database}: {verdict.broken_promises}"
                )
    return failures


def verdicts(stack: Stack, *, profile: Profile, seed: int, names: list[str]) -> Iterator[Verdict]:
    def is_selected(name: str) -> bool:
        return not names or any(part in name for part in names)

    for scenario in scenarios(profile, seed=seed, on_postgresql=stack.database.is_postgresql):
        if is_selected(scenario.name):
            yield from run(stack, scenario, profile=profile, seed=seed)
    for special in (feedback, two_beats):
        if is_selected(special.NAME):
            yield from special.run(stack, profile=profile, seed=seed)


if __name__ == "__main__":
    sys.exit(main())
