"""What our side wrote, with the TLS state that it was written under."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from percorso.core.hosts.host import Target
from percorso.core.tls.handshake import Handshake

PLAINTEXT = Handshake()
# Commands that say nothing of a message or an account. AUTH is not among them: its secrets are secrets.
_NEUTRAL = re.compile(rb"(?:EHLO|HELO|STARTTLS|NOOP|RSET|QUIT)(?: [^\r\n]*)?", re.IGNORECASE)


@dataclass
class Phase:
    """The octets written under one TLS state."""

    handshake: Handshake
    data: bytearray = field(default_factory=bytearray)

    def sensitive(self) -> list[bytes]:
        """Every line that is not a neutral command: envelope, message, credentials, or a part of one."""
        return [line for line in bytes(self.data).split(b"\r\n") if line and not _NEUTRAL.fullmatch(line)]


@dataclass
class Wire:
    """One connection that our side opened."""

    id: int
    target: Target
    opened_at: float
    phases: list[Phase] = field(default_factory=lambda: [Phase(PLAINTEXT)])
    closed: bool = False

    @property
    def handshake(self) -> Handshake:
        return self.phases[-1].handshake

    def wrote(self, data: bytes) -> None:
        self.phases[-1].data += data

    def secured(self, handshake: Handshake) -> None:
        """From now on under TLS."""
        self.phases.append(Phase(handshake))


@dataclass(frozen=True)
class Exposure:
    """A line that went over a connection that it ought not to have gone over."""

    wire: int
    target: Target
    handshake: Handshake
    line: bytes


def exposures(wires: list[Wire], met: Callable[[Handshake], bool], *markers: bytes) -> list[Exposure]:
    """Sensitive lines in phases that `met` denies; with markers only lines that hold one of them."""
    return [
        Exposure(wire.id, wire.target, phase.handshake, line)
        for wire in wires
        for phase in wire.phases
        if not met(phase.handshake)
        for line in phase.sensitive()
        if not markers or any(marker in line for marker in markers)
    ]
