"""What a client learns from a dialog: answers, capabilities, and the result of a transaction."""

import enum

import msgspec

from percorso.core.mail.reply import Reply


class Stage(enum.StrEnum):
    """The point of the dialog that a reply belongs to. Stable names."""

    CONNECT = "connect"  # the greeting
    EHLO = "ehlo"
    HELO = "helo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # the command: 354, or a refusal
    CONTENT = "content"  # the message, up to the reply to the final dot
    RSET = "rset"
    QUIT = "quit"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One reply and what it answers.

    `local` is true where we wrote the reply ourselves, because the peer lacks what the message needs.
    """

    stage: Stage
    reply: Reply
    local: bool = False


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """The extensions that an EHLO reply offered (RFC 5321, 4.1.1.1), keywords in upper case."""

    keywords: dict[str, str] = msgspec.field(default_factory=dict)
    """The parameters by keyword; "" for a keyword without any."""

    def offers(self, keyword: str) -> bool:
        """Whether the peer offers the extension, named in upper case."""
        return keyword in self.keywords

    @property
    def max_size(self) -> int:
        """The largest message that the peer takes, in octets; 0 where it does not say (RFC 1870, 4)."""
        text = self.keywords.get("SIZE", "")
        return int(text) if text.isascii() and text.isdigit() else 0


class TransactionResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one transaction, recipient by recipient.

    `answers` has one entry for each recipient, in order: the reply that decided it. A positive one is always that of
    the final dot: the peer has taken the message over. None means that the dialog broke off before an answer.
    """

    answers: tuple[Answer | None, ...]
    lacking: str = ""
    """The extension that the message needs and the peer lacks, such as "8BITMIME"; nothing was sent."""
    uncertain: bool = False
    """The final dot was handed out and no reply came: each None among the answers may or may not be delivered."""
