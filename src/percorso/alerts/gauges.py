"""The look at the node: queue, disk and certificate, in one blocking call."""

import shutil
from collections.abc import Callable
from pathlib import Path

from percorso.core.alerts.condition import Readings
from percorso.ports.census import Census, QueueCensus
from percorso.ports.queue import StoreError


class Gauges:
    """Reads what conditions are made of. `certificate_end` gives unix seconds, or raises `OSError` or `ValueError`."""

    def __init__(self, *, node: str, census: QueueCensus, data_dir: Path, certificate_end: Callable[[], float]) -> None:
        self._node = node
        self._census = census
        self._data_dir = data_dir
        self._certificate_end = certificate_end

    def read(self, *, trouble: str = "") -> Readings:
        """The readings; `trouble` is what was found to be wrong with the store before."""
        census = Census()
        try:
            census = self._census.take()
        except StoreError as error:
            trouble = str(error)
        return Readings(
            node=self._node,
            queued=census.queued,
            oldest=census.oldest,
            parked=census.parked,
            failing=tuple((one.domain, one.failure, one.recipients) for one in census.failing),
            lost_hosts=tuple((one.name, one.recipients) for one in census.lost_hosts),
            disk_free=self._disk_free(),
            certificate_end=self._certificate(),
            trouble=trouble,
        )

    def _disk_free(self) -> float:
        try:
            usage = shutil.disk_usage(self._data_dir)
        except OSError:
            return 1.0  # the census says that the directory cannot be used
        return usage.free / usage.total if usage.total else 1.0

    def _certificate(self) -> float:
        try:
            return self._certificate_end()
        except (OSError, ValueError):
            return 0.0  # whoever reloads it is told what is wrong with it
