"""`make run`: the whole site on this machine, until Ctrl-C."""

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from types import FrameType

from picha.run import preflight
from picha.run.banner import banner
from picha.run.first_import import first_import
from picha.run.monitor import wait_until_ready, watch
from picha.run.plan import HOME, Plan, read_plan, site_environment
from picha.run.preflight import CannotRun
from picha.run.supervisor import Daemon

OLDEST_PYTHON = (3, 11)


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    answer_signals()
    socket.setdefaulttimeout(3)  # seconds: nothing asked here may hold up the answer to Ctrl-C
    try:
        check_python(sys.version_info[:2])
        plan = read_plan(os.environ, services_only=options.services)
        with preflight.claim(plan):
            preflight.check_ports(plan)
            return _run(plan, environment=site_environment(plan, variables=os.environ))
    except CannotRun as reason:
        print(f"Picha cannot start: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0  # the ordinary end


def answer_signals() -> None:
    """As Ctrl-C is answered; but a terminal that is closed ends nothing under nohup."""
    signal.signal(signal.SIGTERM, _like_ctrl_c)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _like_ctrl_c)


def check_python(version: tuple[int, int]) -> None:
    if version < OLDEST_PYTHON:
        raise CannotRun(
            f"this is Python {version[0]}.{version[1]}, and Picha needs 3.11 or newer: "
            "install one, remove the folder .venv and run `make run` again."
        )


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m picha.run", description=__doc__)
    parser.add_argument(
        "--services",
        action="store_true",
        help="only what the site works with (Valkey, mail, Flickr), for a site started by hand",
    )
    return parser.parse_args(arguments)


def _like_ctrl_c(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(plan: Plan, *, environment: Mapping[str, str]) -> int:
    print("Preparing the database and the files ...", flush=True)
    _call("picha.run.prepare", environment=environment)
    print(f"Starting {', '.join(plan.programs)} ...", flush=True)
    daemon = Daemon(plan, environment=environment)
    try:
        wait_until_ready(daemon, plan=plan)
        print(banner(plan, environment=environment), flush=True)
        with first_import(plan, environment=environment):
            watch(daemon, plan=plan)
    finally:
        # A second Ctrl-C must not leave half of them running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        print("\nEnding ...", flush=True)
        daemon.end()
        print("Everything has ended.", flush=True)
    return 1  # only Ctrl-C is an ordinary end


def _call(module: str, *, environment: Mapping[str, str]) -> None:
    """What goes wrong in there has been said on the terminal by then."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=HOME,
        env=dict(environment),
        check=False,
        start_new_session=True,  # Ctrl-C is answered here
    )
    if done.returncode:
        raise CannotRun("the reason is in the lines above.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
