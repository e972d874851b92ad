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
        for phase in wire.phases:
            current: Transaction | None = None
            for line in phase.sensitive():
                command = _PATH.match(line)
                if command and command[1].upper() == b"MAIL FROM":
                    current = Transaction(wire, phase, command[2].decode())
                    found.append(current)
                if current is None:
                    astray.append(line)
                    continue
                if command and command[1].upper() == b"RCPT TO":
                    current.recipients.append(command[2].decode())
                current.lines.append(line)
    return found, astray
