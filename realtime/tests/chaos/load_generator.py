"""Whoever asks for work, and remembers what was promised."""

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx
from redis import RedisError

from realtime.tests.chaos.profiles import Form
from realtime.tests.chaos.stack import Rig

BATCH: Final = 5
"""Jobs that are asked for in one request."""
QUEUE_MAX: Final = 40
"""Messages that may wait before nobody asks for more: what is measured is not a slow machine."""
GLANCE: Final = 0.2
"""Seconds for a look at the queue."""
PATIENCE: Final = 15.0


@dataclass
class Asked:
    """What one kind of load has sent; a token is acknowledged by the answer 200 alone."""

    kind: str
    prefix: str
    sent: set[str] = field(default_factory=set)
    acknowledged: dict[str, float] = field(default_factory=dict)


class Load:
    """Asks for `jobs` jobs of each kind, at the form's rate; each kind in a thread of its own."""

    def __init__(
        self,
        rig: Rig,
        *,
        name: str,
        form: Form,
        jobs: int,
        kinds: Sequence[str] = ("tracked", "plain"),
    ) -> None:
        self.kinds = {kind: Asked(kind, f"{name}-{kind}-") for kind in kinds}
        self._rig, self._form, self._jobs = rig, form, jobs
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._threads = [
            threading.Thread(target=self._ask_all, args=(asked,), daemon=True)
            for asked in self.kinds.values()
        ]

    @property
    def tracked(self) -> Asked:
        return self.kinds["tracked"]

    @property
    def plain(self) -> Asked:
        return self.kinds["plain"]

    @property
    def duration(self) -> float:
        return self._jobs / self._form.rate

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Ask for no more than was promised at first, and wait until that has been asked for."""
        self._goes_on.clear()
        for thread in self._threads:
            thread.join()

    def _ask_all(self, asked: Asked) -> None:
        """Until enough are acknowledged, and all that is to happen has happened.

        Who is refused asks again, for another job.
        """
        began, deadline = time.monotonic(), time.monotonic() + 4 * self.duration + 60
        with httpx.Client(timeout=PATIENCE, trust_env=False) as client:
            while self._wants_more(asked) and time.monotonic() < deadline:
                due = began + len(asked.acknowledged) / self._form.rate
                time.sleep(max(0.0, due - time.monotonic()))
                if self._is_behind():
                    time.sleep(0.2)
                    continue
                first = len(asked.sent)
                tokens = [f"{asked.prefix}{number}" for number in range(first, first + BATCH)]
                asked.sent.update(tokens)
                if self._ask(client, asked.kind, tokens):
                    asked.acknowledged.update(dict.fromkeys(tokens, time.time()))
                else:
                    time.sleep(0.2)

    def _wants_more(self, asked: Asked) -> bool:
        return self._goes_on.is_set() or len(asked.acknowledged) < self._jobs

    def _is_behind(self) -> bool:
        """Not while Redis is down or frozen: what is acknowledged then must not be lost either."""
        try:
            return self._rig.waiting(patience=GLANCE) > QUEUE_MAX
        except RedisError:
            return False

    def _ask(self, client: httpx.Client, kind: str, tokens: Sequence[str]) -> bool:
        work = {"items": self._form.items, "seconds": self._form.seconds}
        try:
            answer = client.post(f"{self._rig.url}/chaos/{kind}", params={"token": tokens, **work})
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK


def give_feedback(url: str, *, email: str) -> str:
    """Fill in the site's form as a visitor does; the id of the job, or nothing if refused."""
    with httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as client:
        page = client.get("/feedback/").text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        fields |= {"email": email, "message": "Chaos.", "topic": ""}
        answer = client.post("/feedback/", data=fields, headers={"Referer": f"{url}/feedback/"})
        found = re.match(r"/jobs/([0-9a-f-]{36})/", answer.headers.get("location", ""))
    return found[1].replace("-", "") if found else ""
