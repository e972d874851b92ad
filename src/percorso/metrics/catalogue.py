"""Every number that a worker counts: its name, what it means, and its place in the worker's part of the memory.

A label has few values, known here: what a peer says never becomes one. Seconds and units as Prometheus has them.
"""

from typing import Final

import msgspec

from percorso.core.delivery.outcome import Status
from percorso.core.tls.result import FailureType

OTHER: Final = "other"
"""What a value that is not foreseen counts as."""

_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SLOW: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 86_400.0)
_SIZES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
_VERSIONS: Final = ("1.3", "1.2", "1.1", "1.0", OTHER)


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """Counters that differ in one label, or a histogram where there are buckets, or a gauge."""

    name: str
    about: str
    label: str = ""
    values: tuple[str, ...] = ("",)
    buckets: tuple[float, ...] = ()
    gauge: bool = False
    first: int
    """The place of the first value; a histogram has one for each bucket, one beyond them all, and the sum."""

    @property
    def width(self) -> int:
        """How many places it has."""
        return len(self.buckets) + 2 if self.buckets else len(self.values)


_families: list[Family] = []


def _family(name: str, about: str, label: str = "", *values: str, gauge: bool = False) -> Family:
    return _placed(Family(name=name, about=about, label=label, values=values or ("",), gauge=gauge, first=0))


def _histogram(name: str, about: str, buckets: tuple[float, ...]) -> Family:
    return _placed(Family(name=name, about=about, buckets=buckets, first=0))


def _placed(family: Family) -> Family:
    last = _families[-1] if _families else None
    family = msgspec.structs.replace(family, first=last.first + last.width if last else 1)
    _families.append(family)
    return family


BEAT: Final = 0
"""The place of the worker's last sign of life: monotonic seconds, 0 while it does not serve."""

CLIENTS: Final = _family("percorso_clients", "Connections of clients.", "answer", "accepted", "refused")
OPEN: Final = _family("percorso_clients_open", "Clients that are connected now.", gauge=True)
CLIENT_TLS: Final = _family("percorso_client_tls", "TLS sessions of clients.", "version", *_VERSIONS)
MESSAGES: Final = _family("percorso_messages", "Messages that clients handed over.", "answer", "accepted", "refused")
RECIPIENTS: Final = _family(
    "percorso_recipients",
    "Attempts at recipients, by what came of them.",
    "status",
    *(status.value for status in Status),
)
ROUTES: Final = _family(
    "percorso_delivered_by_route", "Recipients delivered, by the way.", "route", "direct", "host", "alternate"
)
SECURE: Final = _family(
    "percorso_delivered", "Recipients delivered, over TLS or in plaintext.", "transport", "tls", "plaintext"
)
DELIVERY_TLS: Final = _family("percorso_delivered_tls", "Recipients delivered over TLS.", "version", *_VERSIONS)
FAILURES: Final = _family(
    "percorso_secure_transport_failures",
    "Attempts at recipients that failed to meet their requirement.",
    "type",
    *(failure.value for failure in FailureType),
)
CONNECTIONS: Final = _family(
    "percorso_connections", "Connections to servers, opened or tried.", "result", "connected", "failed"
)
QUEUE_SECONDS: Final = _histogram(
    "percorso_delivery_seconds", "From the acceptance of a message to the delivery to a recipient.", _SLOW
)
COMMIT_SECONDS: Final = _histogram(
    "percorso_commit_seconds", "What a commit of the store takes, sync included.", _QUICK
)
COMMIT_WORK: Final = _histogram("percorso_commit_work", "Acceptances and settlements that share a commit.", _SIZES)

FAMILIES: Final = tuple(_families)
SIZE: Final = FAMILIES[-1].first + FAMILIES[-1].width
"""Places of one worker."""
