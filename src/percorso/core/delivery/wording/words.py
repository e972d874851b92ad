"""What a language must have for notices: frames, and for every cause what happened and what can be done."""

import msgspec

from percorso.core.delivery.cause import Cause
from percorso.core.tls.result import FailureType


class Explanation(msgspec.Struct, frozen=True):
    """One cause for people. `{server}` is the server's name, `{domain}` the recipient's domain."""

    cause: str
    """What happened, in a sentence."""
    sender: str
    """What the sender can do; empty where that is `Words.wait`, or `Words.given_up` once it is over."""
    administrator: str
    """What the sender's administrator can do."""


class Frame(msgspec.Struct, frozen=True):
    """What a notice of one kind says around its causes."""

    subject: str
    lead: str
    """Before the addresses; `{message}` as `Words.message` gives it."""


class Demands(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement in words: `opening`, then what the server must do, as a list of verbs."""

    opening: str
    encrypt: str
    encrypt_version: str  # {version}
    trusted: str
    own_name: str
    names: str  # {names}
    known_key: str
    private_authority: str
    onward: str
    published: str
    conjunction: str  # between the last two


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """A language."""

    code: str  # RFC 5646
    follows: str
    """Tells at the beginning that this language comes second."""
    gateway: str  # {mta}
    gateway_of: str  # {mta}, {organization}
    message: str  # {subject}, {moment}
    message_without_subject: str  # {moment}
    moment: str  # {day}, {month}, {year}, {time}
    months: tuple[str, ...]
    failed: Frame
    delayed: Frame
    relayed: Frame
    demands: Demands
    not_sent: str
    """Follows a secure-transport failure."""
    quote: str  # {words} of the server
    sender: str  # {advice}
    administrator: str  # {advice}
    wait: str
    given_up: str
    final: str
    final_after: str  # {moment}: the time was up
    still_tried: str  # {moment}: at the latest
    relayed_end: str
    header_attached: str
    explanations: dict[FailureType | Cause, Explanation]
