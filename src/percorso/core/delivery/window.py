"""How many connections a destination takes at once, learned as TCP learns a path (RFC 5681, 3.1).

It begins low, grows by one with each attempt that goes well, and is halved when the destination says that it is too
much. From then on it grows by one only with each round.
"""

from typing import Final

import msgspec

from percorso.core.mail.reply import Reply

FIRST: Final = 5
"""Connections to a destination of which nothing is known."""
_TOO_MUCH: Final = ("4.3.2", "4.4.5")  # RFC 3463, 3.4 and 3.5: not accepting now, congestion


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The connections that may be open at once, with the fraction that is on its way to the next."""

    size: float = float(FIRST)
    threshold: float = float("inf")
    """From here on it grows slowly."""

    def width(self, most: int) -> int:
        """Connections, where `most` is the configured maximum."""
        return max(1, min(int(self.size), most))


def too_much(reply: Reply) -> bool:
    """Whether a server says by this reply that it has too many connections or too much to do (RFC 5321, 3.8)."""
    return reply.code == 421 or (reply.transient and reply.enhanced in _TOO_MUCH)


def grown(window: Window, most: int) -> Window:
    """After an attempt that went well; never beyond `most`."""
    if window.size >= most:
        return window
    step = 1.0 if window.size < window.threshold else 1.0 / window.size
    return msgspec.structs.replace(window, size=min(window.size + step, float(most)))


def halved(window: Window, most: int) -> Window:
    """After a reply that says it is too much."""
    half = max(1.0, min(window.size, float(most)) / 2)
    return Window(size=half, threshold=half)
