"""Phases: the phases of a job, and the fraction of its bar by their weights."""

from collections.abc import Iterable
from typing import Final

from realtime.progress.values import as_text, as_weight
from realtime.serialization import is_storable

NAME_MAX: Final = 100


class Phase:
    __slots__ = ("free", "name", "state", "weight")

    def __init__(self, name: str, weight: float) -> None:
        name = as_text(name)
        if len(name) > NAME_MAX or not is_storable(name):
            raise ValueError(
                f"A phase's name has up to {NAME_MAX} characters, without NUL and lone surrogates,"
                f" not {name!r}."
            )
        self.name = name
        self.weight = as_weight(weight, name)
        self.state = "waiting"
        self.free = 0.0  # the share of the phase that took no time


class Phases:
    """The planned and begun phases of one attempt. At most one of them is running."""

    def __init__(self, planned: Iterable[tuple[str, float]]) -> None:
        self._phases: list[Phase] = []
        self._current: Phase | None = None
        self.plan(planned)

    def plan(self, planned: Iterable[tuple[str, float]]) -> None:
        self._phases = [Phase(name, weight) for name, weight in planned]

    def named(self, name: str, weight: float) -> Phase:
        """The phase `name`; `weight` is used only if the phase is not planned."""
        for phase in self._phases:
            if phase.name == name:
                return phase
        self._phases.append(Phase(name, weight))
        return self._phases[-1]

    def begin(self, phase: Phase) -> None:
        """End the running phase, and begin `phase`.

        A phase whose loop was left by `break` has no other end.
        """
        if self._current is not None and self._current.state == "running":
            self._current.state = "done"
        self._current, phase.state = phase, "running"

    @property
    def current(self) -> str:
        """The name of the phase that began last; empty before the first."""
        return self._current.name if self._current else ""

    def states(self) -> list[list[str]]:
        return [[phase.name, phase.state] for phase in self._phases]

    def fraction(self, share: float | None) -> float | None:
        """The share of the whole bar that is done; `share` is that of the running phase.

        None when it is unknown.
        """
        current = self._current
        if current is None:
            return share
        whole = sum(phase.weight for phase in self._phases)
        ended = sum(phase.weight for phase in self._phases if phase.state == "done")
        if share is None and not ended:
            return None
        running = current.weight * (share or 0.0) if current.state == "running" else 0.0
        return (ended + running) / whole

    def free(self, share: float) -> float:
        """The share of the whole bar that took no time; `share` is that of the running phase."""
        current = self._current
        if current is None:
            return share
        whole = sum(phase.weight for phase in self._phases)
        ended = sum(phase.weight * phase.free for phase in self._phases if phase.state == "done")
        running = share if current.state == "running" else 0.0
        return (ended + current.weight * running) / whole
