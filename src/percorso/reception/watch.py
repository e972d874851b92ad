"""How long a client may take: silence, the pace of a content, and a session in which nothing comes of it.

Pure: the time (monotonic seconds) is an argument. Time in which the client waits for us does not count against it.
"""

from typing import Final

from percorso.core.mail.reply import Reply

HANDSHAKE: Final = 60.0
"""Seconds for a TLS handshake."""
SESSION: Final = 3600.0
"""Seconds from one accepted message to the next; content that keeps its pace is not cut off."""
PACE: Final = 256.0
"""Octets a second that a content must reach on the average, after `PACE_GRACE`."""
PACE_GRACE: Final = 120.0
"""Seconds of a content that are given to the start of a slow line."""

_IDLE: Final = Reply(code=421, enhanced="4.4.2", text="nothing came for too long; closing the connection")
_SLOW: Final = Reply(code=421, enhanced="4.4.2", text="the message comes too slowly; closing the connection")
_LONG: Final = Reply(code=421, enhanced="4.7.0", text="the session is too long; closing the connection")


class Watch:
    """The clock of one connection. `idle_timeout` in seconds (RFC 5321, 4.5.3.2.7)."""

    __slots__ = (
        "_content_octets",
        "_content_since",
        "_heard",
        "_held_since",
        "_holds",
        "_idle_timeout",
        "_session_since",
    )

    def __init__(self, *, idle_timeout: float, now: float) -> None:
        self._idle_timeout = idle_timeout
        self._heard = now
        self._session_since = now
        self._content_since = 0.0  # 0 is: no content is coming
        self._content_octets = 0
        self._holds = 0
        self._held_since = 0.0

    def heard(self, octets: int, now: float) -> None:
        """Octets came in."""
        self._heard = now
        self._content_octets += octets

    def content_begins(self, now: float) -> None:
        """354 was said."""
        if not self._content_since:
            self._content_since = now
            self._content_octets = 0

    def content_ended(self) -> None:
        """The content's end was seen."""
        self._content_since = 0.0

    def message_accepted(self, now: float) -> None:
        """250 was said for a message: the session begins afresh."""
        self._session_since = now

    def hold(self, now: float) -> None:
        """The client waits for us, for one more reason."""
        if not self._holds:
            self._held_since = now
        self._holds += 1

    def release(self, now: float) -> None:
        """For one reason less; with the last its time goes on."""
        self._holds -= 1
        if not self._holds:
            pause = now - self._held_since
            self._heard += pause
            self._session_since += pause
            self._content_since += pause if self._content_since else 0.0

    def overdue(self, now: float, *, handshake: bool) -> Reply | None:
        """What to say to a client whose time is up, else None."""
        if self._holds:
            return None
        if now - self._heard > (min(HANDSHAKE, self._idle_timeout) if handshake else self._idle_timeout):
            return _IDLE
        if self._content_since:
            paced = now - self._content_since - PACE_GRACE
            return _SLOW if paced > 0 and self._content_octets < paced * PACE else None
        return _LONG if now - self._session_since > SESSION else None
