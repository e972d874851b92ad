"""The watch: every minute a look at the node, and what follows from it is told and remembered."""

import asyncio
import logging
from typing import Final

from percorso.alerts.gauges import Gauges
from percorso.alerts.tell import Teller
from percorso.core.alerts.condition import OF_THE_QUEUE, Readings, Thresholds, conditions
from percorso.core.alerts.course import Alert, State, step
from percorso.ports.alerts import AlertMemory
from percorso.ports.clock import Clock
from percorso.ports.queue import StoreError

INTERVAL: Final = 60.0  # seconds
_log = logging.getLogger("percorso.alerts")


class Watch:
    """One for each node; `run` it until it is cancelled."""

    def __init__(
        self, *, gauges: Gauges, teller: Teller, memory: AlertMemory, clock: Clock, thresholds: Thresholds
    ) -> None:
        self._gauges = gauges
        self._teller = teller
        self._memory = memory
        self._clock = clock
        self._thresholds = thresholds
        self._state: State | None = None
        self._trouble = ""

    async def run(self) -> None:
        """Look every `INTERVAL`. An error of ours is logged, and the next look is made."""
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self.look()
            except Exception:
                _log.exception("internal error while looking for what to alert of")

    async def look(self) -> tuple[Alert, ...]:
        """Look once; returns what was told."""
        state = self._state if self._state is not None else await asyncio.to_thread(self._memory.load)
        readings = await asyncio.to_thread(self._gauges.read, trouble=self._trouble)
        now = self._clock.now()
        self._state, alerts = self._judge(state, readings, now)
        if self._state != state:
            self._trouble = await asyncio.to_thread(self._remember, self._state)
        else:
            self._trouble = ""
        if alerts:
            await self._teller.tell(alerts, now)
        return alerts

    def _judge(self, state: State, readings: Readings, now: float) -> tuple[State, tuple[Alert, ...]]:
        found = conditions(readings, self._thresholds, now)
        return step(state, found, now, unknown=OF_THE_QUEUE if readings.trouble else ())

    def _remember(self, state: State) -> str:
        """Empty, or why it could not be kept: the next look raises that."""
        try:
            self._memory.save(state)
        except StoreError as error:
            _log.error("what was told cannot be remembered: %s", error)
            return str(error)
        return ""
