"""What was told before, kept over restarts, so that nothing is told twice."""

from typing import Protocol

from percorso.core.alerts.course import State


class AlertMemory(Protocol):
    """The conditions that were told and are not gone."""

    def load(self) -> State:
        """Blocks; empty where there is none, or none that can be read."""
        ...

    def save(self, state: State) -> None:
        """Blocks until it is durable. Raises `StoreError`."""
        ...
