"""Free TCP ports for the servers that tests start."""

import socket
from contextlib import ExitStack
from random import SystemRandom

PORTS_OF_A_RUN = 4
# Below the ports that systems use for outgoing connections. Such a connection could take a port
# between the search and the start of the program that is to listen on it.
FIRST, LAST = 12_000, 32_000
RANDOM = SystemRandom()  # `random` is seeded in tests: two runs at once would choose the same ports


def free_port() -> int:
    """The first of `PORTS_OF_A_RUN` free ports in a row."""
    for _ in range(50):
        first = RANDOM.randrange(FIRST, LAST, PORTS_OF_A_RUN)
        with ExitStack() as sockets:
            try:
                for port in range(first, first + PORTS_OF_A_RUN):
                    sockets.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise RuntimeError(f"Found no {PORTS_OF_A_RUN} free ports in a row between {FIRST} and {LAST}.")


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
