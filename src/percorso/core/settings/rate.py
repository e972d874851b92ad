"""Rates as settings write them: "100/1h" is a hundred in an hour."""

import re
from typing import Final

import msgspec

from percorso.core.settings.duration import seconds

_FORM: Final = re.compile(r"([1-9][0-9]{0,8})/(.+)")


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """So many in so much time."""

    count: int
    seconds: float
    text: str
    """As it was written."""

    def __str__(self) -> str:
        return self.text


def parse_rate(text: str) -> Rate:
    """The rate; ValueError where the text is not a whole number, "/" and a span of time."""
    found = _FORM.fullmatch(text)
    if not found:
        raise ValueError(f'{text[:80]!r} is not a rate; write a number and a span of time, such as "100/1h"')
    return Rate(count=int(found[1]), seconds=seconds(found[2]), text=text)
