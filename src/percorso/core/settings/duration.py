"""Spans of time as settings write them: "90s", "30m", "24h", "5d"."""

import re
from typing import Final

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_FORM: Final = re.compile(r"([1-9][0-9]{0,8})([smhd])")


def seconds(text: str) -> float:
    """The span in seconds; ValueError where the text is not a whole number with a unit."""
    found = _FORM.fullmatch(text)
    if not found:
        raise ValueError(f'{text!r} is not a span of time; write a whole number and s, m, h or d, such as "24h"')
    return int(found.group(1)) * _UNITS[found.group(2)]
