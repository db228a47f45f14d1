"""The load of a scenario: requests jobs by HTTP and remembers which were acknowledged."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx
from redis import RedisError

from realtime.tests.chaos.profiles import Profile
from realtime.tests.chaos.stack import Stack

JOBS_PER_REQUEST: Final = 5
QUEUE_MAX: Final = 40
"""If more messages wait, the load pauses: a slow machine must not distort the recovery times."""
QUEUE_TIMEOUT: Final = 0.2
"""Seconds in which Redis must answer how many messages wait."""
RETRY_PAUSE: Final = 0.2
HTTP_TIMEOUT: Final = 15.0


@dataclass
class Requests:
    """The tokens of one kind of job, one token a job.

    A token is acknowledged only by an answer with status 200; its value is the time of that.
    """

    kind: str
    prefix: str
    sent: set[str] = field(default_factory=set)
    acknowledged: dict[str, float] = field(default_factory=dict)

    def new_tokens(self, count: int) -> list[str]:
        first = len(self.sent)
        tokens = [f"{self.prefix}{number}" for number in range(first, first + count)]
        self.sent.update(tokens)
        return tokens


class LoadGenerator:
    """Requests `jobs` jobs of each kind at the rate of the profile, in a thread for each kind."""

    def __init__(
        self,
        stack: Stack,
        *,
        name: str,
        profile: Profile,
        jobs: int,
        kinds: Sequence[str] = ("tracked", "plain"),
    ) -> None:
        self.kinds = {kind: Requests(kind, f"{name}-{kind}-") for kind in kinds}
        self._stack, self._profile, self._jobs = stack, profile, jobs
        self._is_running = threading.Event()
        self._is_running.set()
        self._threads = [
            threading.Thread(target=self._request_all, args=(requests,), daemon=True)
            for requests in self.kinds.values()
        ]

    @property
    def tracked(self) -> Requests:
        return self.kinds["tracked"]

    @property
    def plain(self) -> Requests:
        return self.kinds["plain"]

    @property
    def duration(self) -> float:
        return self._jobs / self._profile.rate

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Waits until `jobs` jobs of each kind are acknowledged."""
        self._is_running.clear()
        for thread in self._threads:
            thread.join()

    def _request_all(self, requests: Requests) -> None:
        """Runs until `join` is called and enough jobs are acknowledged, or it takes too long.

        If a request fails, the next one has new tokens.
        """
        began, deadline = time.monotonic(), time.monotonic() + 4 * self.duration + 60
        with httpx.Client(timeout=HTTP_TIMEOUT, trust_env=False) as client:
            while self._needs_more(requests) and time.monotonic() < deadline:
                due = began + len(requests.acknowledged) / self._profile.rate
                time.sleep(max(0.0, due - time.monotonic()))
                if self._is_queue_full():
                    time.sleep(RETRY_PAUSE)
                    continue
                tokens = requests.new_tokens(JOBS_PER_REQUEST)
                if self._send(client, requests.kind, tokens):
                    requests.acknowledged.update(dict.fromkeys(tokens, time.time()))
                else:
                    time.sleep(RETRY_PAUSE)

    def _needs_more(self, requests: Requests) -> bool:
        return self._is_running.is_set() or len(requests.acknowledged) < self._jobs

    def _is_queue_full(self) -> bool:
        """False while Redis is down: the load must go on, as those jobs must not be lost either."""
        try:
            return self._stack.waiting_count(timeout=QUEUE_TIMEOUT) > QUEUE_MAX
        except RedisError:
            return False

    def _send(self, client: httpx.Client, kind: str, tokens: Sequence[str]) -> bool:
        work = {"items": self._profile.items, "seconds": self._profile.effect_seconds}
        try:
            answer = client.post(
                f"{self._stack.url}/chaos/{kind}", params={"token": tokens, **work}
            )
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK
