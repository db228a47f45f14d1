"""Browsers that look at the running site, each with cookies of its own."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from picha.tests.browser_fixtures import PATIENCE
from picha.tests.stack import Stack
from picha.tests.users import Person

Scheme = Literal["dark", "light"]

WIDE, NARROW = 1280, 360
HEIGHT = 900


@dataclass(kw_only=True)
class Guests:
    """Whatever one of their pages complains of fails the test: errors of scripts, refusals by the
    content security policy, what could not be loaded."""

    browser: Browser
    stack: Stack
    _contexts: list[BrowserContext] = field(default_factory=list)
    _complaints: list[str] = field(default_factory=list)
    _tolerated: list[str] = field(default_factory=list)

    def open(
        self,
        person: Person | None = None,
        *,
        javascript: bool = True,
        scheme: Scheme = "light",
        width: int = WIDE,
    ) -> Page:
        """A page, still empty, of somebody who has just started their browser."""
        context = self.browser.new_context(
            base_url=self.stack.url,
            java_script_enabled=javascript,
            color_scheme=scheme,
            viewport={"width": width, "height": HEIGHT},
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
        )
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.on("console", self._listen)
        context.on("weberror", lambda error: self._complaints.append(str(error.error)))
        context.on("response", self._look_at)
        if person:
            cookies: list[Any] = [
                {"name": name, "value": value, "url": self.stack.url}
                for name, value in person.cookies.items()
            ]
            context.add_cookies(cookies)
        return context.new_page()

    def tolerate(self, *patterns: str) -> None:
        """These complaints belong to what the test does."""
        self._tolerated += patterns

    def leave(self) -> None:
        for context in self._contexts:
            context.close()
        assert not self.complaints, "\n".join(self.complaints)

    @property
    def complaints(self) -> list[str]:
        tolerated = [re.compile(pattern) for pattern in self._tolerated]
        return [
            complaint
            for complaint in self._complaints
            if not any(pattern.search(complaint) for pattern in tolerated)
        ]

    def _listen(self, message: ConsoleMessage) -> None:
        # What fails to load is told by its response, which knows the address and is also there
        # where scripts, and with them the console, are off.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self._complaints.append(f"{message.text} at {message.location.get('url')}")

    def _look_at(self, response: Response) -> None:
        if response.status >= 400:
            self._complaints.append(f"{response.status} for {response.url}")
