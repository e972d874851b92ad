"""Outbound rates: how many messages a destination gets in a span of time."""

from collections.abc import Mapping
from typing import Final

from percorso.core.mail.address import parse_domain
from percorso.core.settings.rate import Rate, parse_rate

EVERY_OTHER: Final = "*"
_HOST: Final = "host "


def outbound_rates(rates: Mapping[str, str], *, workers: int) -> dict[str, Rate]:
    """The rates that each of so many workers keeps to, by domain, "host NAME" or "*".

    ValueError for what is no destination or no rate.
    """
    return {_destination(name): _share(parse_rate(text), workers) for name, text in rates.items()}


def _destination(name: str) -> str:
    return name if name == EVERY_OTHER or name.startswith(_HOST) else parse_domain(name)


def _share(rate: Rate, workers: int) -> Rate:
    """One worker's part: as many fewer at once, and together the same in the long run."""
    count = max(1, rate.count // workers)
    return Rate(count=count, seconds=rate.seconds * workers * count / rate.count, text=rate.text)
