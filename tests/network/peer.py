"""A small behaving SMTP server, whose faults are scripted step by step (RFC 5321, 3207, 1854, 1870)."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from percorso.core.tls.handshake import Handshake
from tests.network.credential import GOOD, Credential

EXTENSIONS = ("PIPELINING", "SIZE 52428800", "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8", "DSN")


class Step(enum.StrEnum):
    """Where a fault can be scripted."""

    DIAL = "dial"  # DROP: refused; SILENCE: timed out
    GREETING = "greeting"
    EHLO = "EHLO"
    EHLO_TLS = "EHLO/tls"  # the EHLO after STARTTLS; falls back to EHLO
    HELO = "HELO"
    STARTTLS = "STARTTLS"
    HANDSHAKE = "handshake"  # FAIL, DROP or SILENCE
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "body"  # at the first octet of the content; SILENCE: stops reading
    CONTENT = "content"  # the reply to the final dot
    RSET = "RSET"
    QUIT = "QUIT"


class Fault(enum.Enum):
    """What a peer does instead of answering."""

    DROP = "closes the connection"
    SILENCE = "says nothing more"
    FAIL = "fails the handshake"
    TAKE_AND_DROP = "takes the message, then closes without a word"
    PASS = "does what it ought to"  # in a list: this time nothing is wrong


Action = str | bytes | Fault  # a reply, raw octets, or a fault. A reply of 421 also closes.
Script = Mapping[Step, Action | list[Action]]


@dataclass(frozen=True)
class Accepted:
    """A message that a peer took over, answered or not."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes  # in wire form, without the final dot
    wire: int
    handshake: Handshake
    parameters: str = ""  # of MAIL
    answered: bool = True


@dataclass(eq=False)
class Peer:
    """A server. In `script` a list is used up action by action, over all connections; a single action stands.

    `recipients` scripts single addresses. `inject` comes behind the 220 to STARTTLS in the same segment.
    """

    name: str
    address: str = ""  # given by the network where it is empty
    port: int = 25
    credential: Credential | None = GOOD  # None: no TLS
    implicit_tls: bool = False
    extensions: tuple[str, ...] = EXTENSIONS
    extensions_tls: tuple[str, ...] = ()  # only under TLS, such as REQUIRETLS
    starttls_keyword: str = "STARTTLS"  # "XXXXXXXA" as some firewalls make of it
    script: Script = field(default_factory=dict)
    recipients: Mapping[str, Action] = field(default_factory=dict)
    inject: bytes = b""
    accepted: list[Accepted] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._left = {step: list(actions) for step, actions in self.script.items() if isinstance(actions, list)}

    def action(self, *steps: Step) -> Action:
        """What is scripted for the first of these steps that has a script."""
        for step in steps:
            if self._left.get(step):
                return self._left[step].pop(0)
            scripted = self.script.get(step)
            if scripted is not None and not isinstance(scripted, list):
                return scripted
        return Fault.PASS
