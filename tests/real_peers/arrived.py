"""What a real peer received: one stored copy per recipient, and how it came in."""

import email
import email.policy
import re
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

TLS_IN_RECEIVED = re.compile(r"\((?:using )?TLSv?(1\.\d)\b")  # Postfix, Exim


class Arrived(NamedTuple):
    """One message in a maildir; lines end in LF there, and the peer's own fields come first."""

    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def recipient(self) -> str:
        """The envelope recipient."""
        return str(self.message["X-Original-To"])

    @property
    def sender(self) -> str:
        """The envelope sender, empty for the null sender."""
        return str(self.message["Return-Path"]).strip("<>")

    @property
    def tls(self) -> str | None:
        """The TLS version of the hop into the peer, such as "TLSv1.3", or None for plaintext."""
        found = TLS_IN_RECEIVED.search(str(self.message.get_all("Received", [])[0]))
        return f"TLSv{found[1]}" if found else None


def read_maildir(maildir: Path) -> list[Arrived]:
    """All messages of a maildir, in the order of their names; none if it does not exist yet."""
    return [Arrived(path.read_bytes()) for path in sorted((maildir / "new").glob("*"))]
