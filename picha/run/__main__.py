"""`make run`: runs the whole site on this machine until Ctrl-C."""

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from types import FrameType

from picha.private_files import create_private_files
from picha.run import preflight
from picha.run.banner import banner
from picha.run.first_import import first_import
from picha.run.monitor import monitor, wait_until_ready
from picha.run.plan import HOME, Plan, read_plan, site_environment
from picha.run.preflight import CannotRun
from picha.run.supervisor import Supervisor
from picha.secret_files import operator_password_file

SOCKET_TIMEOUT_SECONDS = 3  # no request of this process may delay the reaction to Ctrl-C


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    create_private_files()
    handle_signals()
    socket.setdefaulttimeout(SOCKET_TIMEOUT_SECONDS)
    try:
        preflight.check_python(sys.version_info[:2])
        plan = read_plan(os.environ, services_only=options.services)
        with preflight.lock_folders(plan):
            preflight.check_ports(plan)
            return _run(plan, environment=site_environment(plan, variables=os.environ))
    except CannotRun as reason:
        print(f"Picha cannot start: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0  # Ctrl-C is the normal way to end


def handle_signals() -> None:
    """SIGTERM and SIGHUP end the site as Ctrl-C does; under nohup, SIGHUP stays ignored."""
    signal.signal(signal.SIGTERM, _raise_keyboard_interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _raise_keyboard_interrupt)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m picha.run", description=__doc__)
    parser.add_argument(
        "--services",
        action="store_true",
        help="run only the services (Valkey, mail, Flickr), for a site that you start yourself",
    )
    return parser.parse_args(arguments)


def _raise_keyboard_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(plan: Plan, *, environment: Mapping[str, str]) -> int:
    is_first_run = not operator_password_file(plan.var_dir).exists()
    print("Preparing the database and the files ...", flush=True)
    _run_module("picha.run.prepare", environment=environment)
    print(f"Starting {', '.join(plan.programs)} ...", flush=True)
    supervisor = Supervisor(plan, environment=environment)
    try:
        wait_until_ready(supervisor, plan=plan)
        print(banner(plan, environment=environment, is_first_run=is_first_run), flush=True)
        with first_import(plan, environment=environment):
            monitor(supervisor, plan=plan)
    finally:
        # A second Ctrl-C would leave some of the programs running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        print("\nEnding ...", flush=True)
        supervisor.end()
        print("Everything has ended.", flush=True)
    return 1  # supervisord ended by itself


def _run_module(module: str, *, environment: Mapping[str, str]) -> None:
    """The module itself prints its errors to the terminal."""
    process = subprocess.run(
        [sys.executable, "-m", module],
        cwd=HOME,
        env=dict(environment),
        check=False,
        start_new_session=True,  # only this process handles Ctrl-C
    )
    if process.returncode:
        raise CannotRun("the lines above say why.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
