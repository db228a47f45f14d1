import socket
from contextlib import ExitStack
from random import SystemRandom

PORTS_OF_A_RUN = 4
# Below those that systems give to outgoing connections: one of them could take a port after it was
# found free and before its program listens.
FIRST, LAST = 12_000, 32_000
CHANCE = SystemRandom()  # the tests' own is seeded, and two runs at once would find the same


def free_port() -> int:
    """The first of as many free ports in a row as a run needs."""
    for _ in range(50):
        first = CHANCE.randrange(FIRST, LAST, PORTS_OF_A_RUN)
        with ExitStack() as held:
            try:
                for port in range(first, first + PORTS_OF_A_RUN):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise RuntimeError("There are no four free ports in a row.")


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
