"""`python -m realtime.tests.chaos [--short] [--seed N] [--database URL]... [PART OF A NAME]...`

Prints a line of JSON a scenario and system; ends with 1 if Picha has broken a promise.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from realtime.tests.chaos import feedback, two_beats
from realtime.tests.chaos.audit import Verdict
from realtime.tests.chaos.profiles import LONG, SHORT, Form
from realtime.tests.chaos.scenarios import run, scenarios
from realtime.tests.chaos.stack import Rig, running_rig
from realtime.tests.support.databases import server_url


def main() -> int:
    # Whoever ends this, the processes that it has started end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(prog="python -m realtime.tests.chaos")
    parser.add_argument("names", nargs="*", help="parts of the names of the scenarios to run")
    parser.add_argument("--short", action="store_true", help="minutes instead of hours")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", action="append", help="a PostgreSQL server, or sqlite")
    options = parser.parse_args()
    servers = options.database or ["sqlite", *filter(None, [server_url()])]
    form = SHORT if options.short else LONG
    broken = [
        line
        for server in servers
        for line in run_all(form, server=server, seed=options.seed, names=options.names)
    ]
    for line in broken:
        sys.stderr.write(f"Broken: {line}\n")
    return 1 if broken else 0


def run_all(form: Form, *, server: str, seed: int, names: list[str]) -> list[str]:
    broken = []
    server = "" if server == "sqlite" else server
    with (
        tempfile.TemporaryDirectory(prefix="picha-chaos-") as folder,
        running_rig(Path(folder), server=server, seed=seed, settings=form.settings) as rig,
    ):
        for verdict in verdicts(rig, form=form, seed=seed, names=names):
            sys.stdout.write(verdict.line() + "\n")
            sys.stdout.flush()
            if verdict.system == "picha" and verdict.broken:
                broken.append(f"{verdict.scenario}, {verdict.database}: {verdict.broken}")
    return broken


def verdicts(rig: Rig, *, form: Form, seed: int, names: list[str]) -> Iterator[Verdict]:
    def is_wanted(name: str) -> bool:
        return not names or any(part in name for part in names)

    for scenario in scenarios(form, seed=seed, on_postgresql=rig.rows.is_postgresql):
        if is_wanted(scenario.name):
            yield from run(rig, scenario, form=form, seed=seed)
    for special in (feedback, two_beats):
        if is_wanted(special.NAME):
            yield from special.run(rig, form=form, seed=seed)


if __name__ == "__main__":
    sys.exit(main())
