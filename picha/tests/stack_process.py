"""Starts and ends the whole site for tests."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from picha.run.plan import HOME
from picha.tests.stack import Stack
from picha.tests.stack_environment import stack_environment
from realtime.tests.support.databases import fresh_database, server_url
from realtime.tests.support.ports import free_port


def start_stack(
    *,
    var_dir: Path,
    port: int | None = None,
    variables: Mapping[str, str] | None = None,
    output_file: Path | None = None,
) -> Stack:
    """Returns before the site is ready. The caller must `end()` it in any case."""
    port = port or free_port()
    variables = variables or {}
    var_dir.mkdir(parents=True, exist_ok=True)
    output_file = output_file or var_dir.with_name(f"{var_dir.name}.output")
    with output_file.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "picha.run"],
            cwd=HOME,
            env=stack_environment(var_dir=var_dir, port=port, variables=variables),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return Stack(
        var_dir=var_dir,
        port=port,
        process=process,
        output_file=output_file,
        database_url=variables.get("DATABASE_URL", ""),
    )


@contextmanager
def running_stack(*, var_dir: Path) -> Iterator[Stack]:
    with fresh_database(var_dir.parent, server=server_url()) as url:
        stack = start_stack(
            var_dir=var_dir, variables={"DATABASE_URL": url} if server_url() else {}
        )
        try:
            stack.wait_until_started()
            yield stack
        finally:
            stack.end()
