"""What our side wrote on a connection, cut into transactions."""

import re
from dataclasses import dataclass, field

from tests.network.wire import Phase, Wire

_PATH = re.compile(rb"(?i)(MAIL FROM|RCPT TO):<([^>]*)>")


@dataclass
class Transaction:
    """From one MAIL to whatever ended it; everything in it is envelope or message."""

    wire: Wire
    phase: Phase
    place: tuple[int, int, int]  # the connection, its TLS state, the transaction in it: each counted
    sender: str
    recipients: list[str] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> str:
        return b"\r\n".join(self.lines).decode("utf-8", "replace")


def transactions(wires: list[Wire]) -> tuple[list[Transaction], list[bytes]]:
    """Every transaction, and every sensitive line that belongs to none (there ought to be none)."""
    found: list[Transaction] = []
    astray: list[bytes] = []
    for wire in wires:
        for number, phase in enumerate(wire.phases):
            in_phase, before = _cut(wire, number, phase)
            found += in_phase
            astray += before
    return found, astray


def _cut(wire: Wire, number: int, phase: Phase) -> tuple[list[Transaction], list[bytes]]:
    found: list[Transaction] = []
    astray: list[bytes] = []
    for line in phase.sensitive():
        command = _PATH.match(line)
        if command and command[1].upper() == b"MAIL FROM":
            found.append(Transaction(wire, phase, (wire.id, number, len(found)), command[2].decode()))
        if not found:
            astray.append(line)
            continue
        if command and command[1].upper() == b"RCPT TO":
            found[-1].recipients.append(command[2].decode())
        found[-1].lines.append(line)
    return found, astray
