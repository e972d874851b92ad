"""A running node tells the audit log where its evidence stands: hourly, and when it has stopped."""

import logging
import time
from collections.abc import Callable
from typing import Final

from percorso.operations.log import record_heads
from percorso.operations.stores import Stores

INTERVAL: Final = 3600.0
"""Seconds between two recordings: how much of the newest evidence could be cut off unseen."""

_log = logging.getLogger("percorso")


def tell_heads(stores: Stores) -> None:
    """Tell it now; what goes wrong is logged."""
    try:
        record_heads(stores.evidence(), stores.audit(), now=time.time())
    except Exception:
        _log.exception("the audit log was not told where the evidence stands")


def tell_heads_hourly(stores: Stores, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Tell it from now on, for ever; for a thread of its own."""
    while True:
        pause(INTERVAL)
        tell_heads(stores)
