"""Commands: a helper process reads them from stdin and answers each with one line of JSON.

The processes that `helper_process` starts use this. A client process knows these commands:

connect N   connect N more clients
reset       set the statistics to zero
frames      answer how many updates have arrived since then
report      answer all statistics
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from realtime.benchmarks.frame_statistics import FrameStatistics

Answer = dict[str, Any]


class Clients(Protocol):
    statistics: FrameStatistics

    async def connect(self, count: int) -> Answer: ...


async def answer_client_commands(clients: Clients) -> None:
    async def answer(command: list[str]) -> Answer:
        match command:
            case ["connect", count]:
                return await clients.connect(int(count))
            case ["reset"]:
                clients.statistics.reset()
            case ["frames"]:
                return {"frames": clients.statistics.frames}
            case ["report"]:
                return clients.statistics.report()
        return {}

    await answer_commands(answer)


async def answer_commands(answer: Callable[[list[str]], Awaitable[Answer]]) -> None:
    """Answers until stdin ends."""
    while command := await asyncio.to_thread(read_command):
        write_answer(await answer(command))


def read_command() -> list[str]:
    """The words of the next line; an empty list when stdin has ended."""
    return sys.stdin.readline().split()


def write_answer(answer: Answer) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
