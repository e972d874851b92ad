"""From readings to what is wrong: each at its threshold, and nothing before."""

import pytest

from percorso.core.alerts.condition import Condition, Kind, Readings, Thresholds, conditions

NOW = 1.8e9
DAY = 86_400.0
WELL = Readings(node="mail1.corp.test", queued=10_000, oldest=NOW - 2 * DAY, certificate_end=NOW + 14 * DAY)


def wrong(**readings: object) -> tuple[Condition, ...]:
    return conditions(Readings(node="mail1.corp.test", **readings), Thresholds(), NOW)  # type: ignore[arg-type]


def test_nothing_is_wrong_at_the_thresholds() -> None:
    assert conditions(WELL, Thresholds(), NOW) == ()


@pytest.mark.parametrize(
    ("readings", "kind", "subject", "figure"),
    [
        ({"queued": 10_001}, Kind.QUEUE_GROWTH, "mail1.corp.test", "10001"),
        ({"oldest": NOW - 50 * 3600}, Kind.OLDEST_MESSAGE, "mail1.corp.test", "50 h"),
        ({"parked": (("corp.test", 2),)}, Kind.MAIL_PARKED, "corp.test", "2"),
        ({"lost_hosts": (("encryptor", 7),)}, Kind.HOST_DOWN, "encryptor", "7"),
        ({"disk_free": 0.09}, Kind.DISK_LOW, "mail1.corp.test", "9%"),
        ({"certificate_end": NOW + 13 * DAY}, Kind.CERTIFICATE_ENDING, "mail1.corp.test", "13 d"),
        ({"trouble": "no space is left"}, Kind.STORE_TROUBLE, "mail1.corp.test", ""),
    ],
)
def test_each_kind(readings: dict[str, object], kind: Kind, subject: str, figure: str) -> None:
    assert wrong(**readings) == (Condition(kind=kind, subject=subject, figure=figure),)


def test_a_domain_that_fails_in_two_ways_is_one_condition() -> None:
    failing = (("bank.test", "certificate-expired", 3), ("bank.test", "starttls-not-supported", 1))
    (one,) = wrong(failing=failing)
    assert one.key == (Kind.SECURE_TRANSPORT_FAILING, "bank.test")
    assert one.figure == "certificate-expired: 3, starttls-not-supported: 1"
