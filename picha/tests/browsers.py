"""Browsers that visit the running site, each with its own cookies."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from picha.tests.browser_fixtures import TIMEOUT_MS
from picha.tests.stack import Stack
from picha.tests.users import SiteUser

ColorScheme = Literal["dark", "light"]

WIDE, NARROW = 1280, 360
HEIGHT = 900


@dataclass(kw_only=True)
class Browsers:
    """An error on any page fails the test: of a script, of the content security policy, or a
    resource that could not be loaded."""

    browser: Browser
    stack: Stack
    _contexts: list[BrowserContext] = field(default_factory=list)
    _errors: list[str] = field(default_factory=list)
    _allowed: list[str] = field(default_factory=list)

    def open(
        self,
        user: SiteUser | None = None,
        *,
        javascript: bool = True,
        scheme: ColorScheme = "light",
        width: int = WIDE,
    ) -> Page:
        """An empty page in a new browser, where this user is logged in."""
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
        context.set_default_timeout(TIMEOUT_MS)
        self._collect_errors(context)
        if user:
            self._log_in(context, user)
        return context.new_page()

    def allow_errors(self, *patterns: str) -> None:
        """The test itself causes these errors."""
        self._allowed += patterns

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        errors = self.unexpected_errors()
        assert not errors, "\n".join(errors)

    def unexpected_errors(self) -> list[str]:
        allowed = [re.compile(pattern) for pattern in self._allowed]
        return [
            error for error in self._errors if not any(pattern.search(error) for pattern in allowed)
        ]

    def _log_in(self, context: BrowserContext, user: SiteUser) -> None:
        cookies: list[Any] = [
            {"name": name, "value": value, "url": self.stack.url}
            for name, value in user.cookies.items()
        ]
        context.add_cookies(cookies)

    def _collect_errors(self, context: BrowserContext) -> None:
        context.on("console", self._check_message)
        context.on("weberror", lambda error: self._errors.append(str(error.error)))
        context.on("response", self._check_response)

    def _check_message(self, message: ConsoleMessage) -> None:
        # A resource that fails to load is reported by its response: this has the URL, and exists
        # even without JavaScript, when there is no console.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self._errors.append(f"{message.text} at {message.location.get('url')}")

    def _check_response(self, response: Response) -> None:
        if response.status >= 400:
            self._errors.append(f"{response.status} for {response.url}")
