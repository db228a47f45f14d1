import socket
from contextlib import ExitStack

PORTS_OF_A_RUN = 4


def free_port() -> int:
    """The first of as many free ports in a row as a run needs."""
    for _ in range(50):
        with ExitStack() as held:
            first = _listen(held, 0)
            try:
                for port in range(first + 1, first + PORTS_OF_A_RUN):
                    _listen(held, port)
            except OSError:
                continue
            return first
    raise RuntimeError("There are no four free ports in a row.")


def _listen(held: ExitStack, port: int) -> int:
    one = held.enter_context(socket.socket())
    one.bind(("127.0.0.1", port))
    return int(one.getsockname()[1])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
