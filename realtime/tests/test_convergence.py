"""Every browser ends at the database's state and never sees an older one, for any loss, duplication
and reordering of messages, any reconnection and any restart of a hub."""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from realtime.access import Viewer
from realtime.channel_layer.messages import JobMessage, job_message
from realtime.live.database_reader import JobAndMessage
from realtime.live.hub import Hub
from realtime.live.socket import Socket
from realtime.live.wire import WatchRequest
from realtime.models import Job
from realtime.states import JobState, Visibility

Version = tuple[int, int]


class Database:
    """One row, in place of `DatabaseReader`; workers may have sent ticks that are not saved yet."""

    def __init__(self) -> None:
        self.row = Job(
            id=uuid4(), title="T", visibility=Visibility.PUBLIC, queued_at=timezone.now()
        )

    async def jobs(self, ids: Iterable[UUID]) -> dict[UUID, JobAndMessage]:
        return {pk: (self.row, job_message(self.row)) for pk in ids if pk == self.row.pk}

    async def messages(self, ids: list[UUID]) -> list[JobMessage]:
        return [message for _, message in (await self.jobs(ids)).values()]

    @property
    def version(self) -> Version:
        return self.row.revision, self.row.tick


class Browser:
    """Shows the newest snapshot that it has received, across reconnections."""

    def __init__(self) -> None:
        self.version: Version = (-1, -1)
        self.sent: Version = (-1, -1)
        self.was_sent_older = False
        self.state = ""
        self.seen: list[Version] = []
        self.hub: Hub | None = None
        self.socket: Socket | None = None

    async def receive(self, message: dict[str, Any]) -> None:
        frame = json.loads(message["text"])
        for job in frame["jobs"]:
            version = (job["revision"], job["tick"])
            self.was_sent_older |= version < self.sent
            self.sent = version
            if version >= self.version:
                self.version, self.state = version, job["state"]
                self.seen.append(version)
        assert self.socket
        self.socket.acknowledge(frame["seq"])


class Machine(RuleBasedStateMachine):
    messages = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = Database()
        self.tick = 0
        self.browsers = [Browser() for _ in range(3)]
        self.hubs = [self.new_hub(), self.new_hub()]

    def new_hub(self) -> Hub:
        return self.runner.run(_make_hub(self.database))

    def published(self) -> JobMessage:
        live, row = self.tick, self.database.row
        saved, row.tick = row.tick, live
        message = job_message(row)
        row.tick = saved
        return message

    @rule(target=messages, units=st.integers(1, 3))
    def progress(self, units: int) -> JobMessage:
        self.tick += units
        return self.published()

    @rule()
    def save(self) -> None:
        self.database.row.tick = self.tick

    @rule(target=messages, state=st.sampled_from([JobState.RUNNING, JobState.RETRYING]))
    def transition(self, state: JobState) -> JobMessage:
        row = self.database.row
        row.state, row.revision, row.tick, self.tick = state, row.revision + 1, 0, 0
        return self.published()

    @rule(message=messages, at=st.integers(0, 1))
    def deliver(self, message: JobMessage, at: int) -> None:
        """Deliver any message, any number of times; messages that are never chosen are lost."""
        self.run(lambda: self.hubs[at].send(message))

    @rule(number=st.integers(0, 2), at=st.integers(0, 1))
    def connect(self, number: int, at: int) -> None:
        self.leave(self.browsers[number])
        self.runner.run(self._connect(self.browsers[number], self.hubs[at]))

    @rule(number=st.integers(0, 2))
    def disconnect(self, number: int) -> None:
        self.leave(self.browsers[number])

    @rule(at=st.integers(0, 1))
    def restart(self, at: int) -> None:
        for browser in self.browsers:
            if browser.hub is self.hubs[at]:
                self.leave(browser)
        self.hubs[at] = self.new_hub()

    @invariant()
    def no_older_snapshot_is_shown(self) -> None:
        for browser in self.browsers:
            assert browser.seen == sorted(browser.seen)
            assert not browser.was_sent_older

    def teardown(self) -> None:
        """The job ends, all messages about that are lost, and the hubs read its row."""
        row = self.database.row
        row.state, row.revision, row.tick = JobState.SUCCEEDED, row.revision + 1, 0
        self.runner.run(self._repair())
        for browser in self.browsers:
            if browser.hub:
                assert (browser.version, browser.state) == (self.database.version, "succeeded")
        self.runner.close()

    def run(self, call: Callable[[], None]) -> None:
        async def do() -> None:
            call()
            await _settle()

        self.runner.run(do())

    def leave(self, browser: Browser) -> None:
        if browser.hub and browser.socket:
            hub, socket = browser.hub, browser.socket
            self.run(lambda: hub.leave(socket))
        browser.hub = browser.socket = None

    async def _connect(self, browser: Browser, hub: Hub) -> None:
        browser.hub, browser.socket = hub, Socket(browser.receive, Viewer())
        browser.sent = (-1, -1)
        denied = await hub.watch(browser.socket, [WatchRequest(id=self.database.row.pk)])
        assert denied == []
        await _settle()

    async def _repair(self) -> None:
        for hub in self.hubs:
            for watched in hub._jobs._jobs.values():
                watched.updated_at = 0.0
            await hub.repair()
        await _settle()


async def _make_hub(database: Database) -> Hub:
    return Hub(database)  # type: ignore[arg-type]  # it has the two methods that are called here


async def _settle() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


def test_every_browser_ends_at_the_state_of_the_database() -> None:
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None)
    )
