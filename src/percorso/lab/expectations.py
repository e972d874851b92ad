"""What must become of each message of the trial: the contract, written as a table.

Rows are destinations, columns are settings. The trial compares every cell with what the evidence says and with what the
servers really got.
"""

import enum
from typing import Final

import msgspec


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A column: a unit of the organization with settings of its own."""

    title: str
    unit: str
    domain: str  # of its senders

    @property
    def sender(self) -> str:
        """Who writes."""
        return f"anna@{self.domain}"


SETTINGS: Final = (
    Setting(title="nothing required", unit="/Open", domain="open.corp.test"),
    Setting(title="TLS required", unit="/Required", domain="required.corp.test"),
    Setting(title="required, alternate always", unit="/Always", domain="always.corp.test"),
    Setting(title="required, alternate on failure", unit="/Fallback", domain="fallback.corp.test"),
)
REQUIRED: Final = frozenset(setting.sender for setting in SETTINGS[1:])
"""The senders whose mail must never be seen in plaintext."""


class Kind(enum.StrEnum):
    """What can become of a message."""

    TLS = "over TLS"
    PLAINTEXT = "in PLAINTEXT"
    ALTERNATE = "via the alternate host"
    WAITING = "waits"
    BOUNCED = "bounced"
    NOTHING = "nothing happened"


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message, and why where it was not delivered."""

    kind: Kind
    why: str = ""  # a typed secure-transport failure, or the enhanced code of the reply

    def __str__(self) -> str:
        return f"{self.kind}: {self.why}" if self.why else str(self.kind)


def _waits(why: str) -> Fate:
    return Fate(kind=Kind.WAITING, why=why)


_TLS: Final = Fate(kind=Kind.TLS)
_PLAIN: Final = Fate(kind=Kind.PLAINTEXT)
_ALT: Final = Fate(kind=Kind.ALTERNATE)
_BOUNCED: Final = Fate(kind=Kind.BOUNCED, why="5.1.1")
_NO_TLS: Final = _waits("starttls-not-supported")
_BUSY: Final = _waits("4.2.1")
_DEAD: Final = _waits("4.4.1")

EXPECTED: Final[dict[str, tuple[Fate, Fate, Fate, Fate]]] = {
    # destination          nothing   TLS required                         alternate   alternate
    #                      required                                       always      on failure
    "good certificate":    (_TLS,    _TLS,                                _ALT,       _TLS),
    "self-signed":         (_TLS,    _waits("certificate-not-trusted"),   _ALT,       _ALT),
    "expired":             (_TLS,    _waits("certificate-expired"),       _ALT,       _ALT),
    "wrong name":          (_TLS,    _waits("certificate-host-mismatch"), _ALT,       _ALT),
    "no TLS":              (_PLAIN,  _NO_TLS,                             _ALT,       _ALT),
    "TLS refused (454)":   (_PLAIN,  _NO_TLS,                             _ALT,       _ALT),
    "handshake dropped":   (_PLAIN,  _waits("tls-handshake-failure"),     _ALT,       _ALT),
    "busy (4xx)":          (_BUSY,   _BUSY,                               _ALT,       _BUSY),
    "unknown user (5xx)":  (_BOUNCED, _BOUNCED,                           _ALT,       _BOUNCED),
    "dead":                (_DEAD,   _DEAD,                               _ALT,       _DEAD),
    "first MX strips TLS": (_PLAIN,  _TLS,                                _ALT,       _TLS),
}  # fmt: skip
