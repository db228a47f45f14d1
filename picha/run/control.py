"""Control: sends commands to a running supervisord through its socket."""

import http.client
import os
import signal
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

UNREACHABLE = (OSError, http.client.HTTPException, xmlrpc.client.Error)


@dataclass(frozen=True, kw_only=True)
class Program:
    name: str
    state: str
    pid: int

    @property
    def is_running(self) -> bool:
        return self.state == "RUNNING"

    @property
    def is_fatal(self) -> bool:
        return self.state == "FATAL"

    @property
    def has_ended(self) -> bool:
        return self.state in {"STOPPED", "EXITED", "FATAL"}


class Control:
    """
    Raises:
        UNREACHABLE: each method, if supervisord does not answer or refuses the command.
    """

    def __init__(self, *, sockets: Path) -> None:
        self._url = f"unix://{sockets / 'supervisor.sock'}"

    def programs(self) -> dict[str, Program]:
        return {
            info["name"]: Program(name=info["name"], state=info["statename"], pid=info["pid"])
            for info in self._call("getAllProcessInfo")
        }

    def start(self, name: str) -> None:
        self._call("startProcess", name)

    def stop(self, name: str, *, wait: bool = True) -> None:
        self._call("stopProcess", name, wait)

    def restart(self, name: str) -> None:
        self.stop(name)
        self.start(name)

    def shut_down(self) -> None:
        self._call("shutdown")

    def kill(self, name: str, *, signal_number: int = signal.SIGKILL) -> int:
        """Send a signal to the main process of a program, and return its process id."""
        pid = self.programs()[name].pid
        if not pid:  # os.kill(0, ...) would signal this process and its whole group
            raise ProcessLookupError(f"{name} is not running: it has no process to signal.")
        os.kill(pid, signal_number)
        return pid

    def _call(self, method: str, *args: object) -> Any:
        server = xmlrpc.client.ServerProxy(
            "http://127.0.0.1", transport=SupervisorTransport(None, None, self._url)
        )
        with server:
            return getattr(server.supervisor, method)(*args)
