"""A condition: something that is wrong with the node, as its readings tell."""

import enum
from collections.abc import Iterator
from typing import Final

import msgspec

DAY: Final = 86_400.0


class Kind(enum.StrEnum):
    """What is wrong. Stable names."""

    MAIL_PARKED = "mail-parked"
    """Notices that failed for good are held; their senders know nothing."""
    HOST_DOWN = "host-down"
    """No server of a host answers."""
    SECURE_TRANSPORT_FAILING = "secure-transport-failing"
    """Mail waits because a domain's servers gave no secure transport."""
    QUEUE_GROWTH = "queue-growth"
    OLDEST_MESSAGE = "oldest-message"
    DISK_LOW = "disk-low"
    CERTIFICATE_ENDING = "certificate-ending"
    STORE_TROUBLE = "store-trouble"


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong. Kind and subject tell it from others; the figure may change."""

    kind: Kind
    subject: str = ""
    """A domain, or the name of a host or of the node: never an address, never content."""
    figure: str = ""

    @property
    def key(self) -> tuple[Kind, str]:
        """What it is known by."""
        return self.kind, self.subject


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """From where on a reading is wrong."""

    queued: int = 10_000  # recipients
    oldest: float = 2 * DAY  # seconds
    disk_free: float = 0.1  # of the file system
    certificate: float = 14 * DAY  # seconds before it ends


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at."""

    node: str
    queued: int = 0  # recipients
    oldest: float = 0.0  # when it was accepted, unix seconds; 0: nothing is queued
    parked: tuple[tuple[str, int], ...] = ()  # domain, recipients
    failing: tuple[tuple[str, str, int], ...] = ()  # domain, typed failure, recipients
    lost_hosts: tuple[tuple[str, int], ...] = ()  # name, recipients
    disk_free: float = 1.0  # of the file system
    certificate_end: float = 0.0  # unix seconds; 0: not looked at
    trouble: str = ""
    """Why the store could not be read or written; then nothing else of the queue is known."""


OF_THE_QUEUE: Final = frozenset(
    {Kind.MAIL_PARKED, Kind.HOST_DOWN, Kind.SECURE_TRANSPORT_FAILING, Kind.QUEUE_GROWTH, Kind.OLDEST_MESSAGE}
)
"""What nothing is known of while the store cannot be read."""


def conditions(readings: Readings, thresholds: Thresholds, now: float) -> tuple[Condition, ...]:
    """Everything that is wrong."""
    return (*_of_queue(readings, thresholds, now), *_of_node(readings, thresholds, now))


def _of_queue(readings: Readings, thresholds: Thresholds, now: float) -> Iterator[Condition]:
    for domain, count in readings.parked:
        yield Condition(kind=Kind.MAIL_PARKED, subject=domain, figure=str(count))
    for name, count in readings.lost_hosts:
        yield Condition(kind=Kind.HOST_DOWN, subject=name, figure=str(count))
    failures: dict[str, dict[str, int]] = {}
    for domain, failure, count in readings.failing:
        failures.setdefault(domain, {})[failure] = count
    for domain, by_type in failures.items():
        figure = ", ".join(f"{failure}: {count}" for failure, count in by_type.items())
        yield Condition(kind=Kind.SECURE_TRANSPORT_FAILING, subject=domain, figure=figure)
    if readings.queued > thresholds.queued:
        yield Condition(kind=Kind.QUEUE_GROWTH, subject=readings.node, figure=str(readings.queued))
    if readings.oldest and now - readings.oldest > thresholds.oldest:
        hours = f"{(now - readings.oldest) / 3600:.0f} h"
        yield Condition(kind=Kind.OLDEST_MESSAGE, subject=readings.node, figure=hours)


def _of_node(readings: Readings, thresholds: Thresholds, now: float) -> Iterator[Condition]:
    if readings.disk_free < thresholds.disk_free:
        yield Condition(kind=Kind.DISK_LOW, subject=readings.node, figure=f"{readings.disk_free:.0%}")
    if readings.certificate_end and readings.certificate_end - now < thresholds.certificate:
        days = (readings.certificate_end - now) / DAY
        yield Condition(kind=Kind.CERTIFICATE_ENDING, subject=readings.node, figure=f"{days:.0f} d")
    if readings.trouble:
        yield Condition(kind=Kind.STORE_TROUBLE, subject=readings.node)
