"""One transaction as the client sees it: its commands, its needs, and who got which answer (RFC 5321, 3.3)."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from percorso.core.mail.address import Address
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.smtp import dsn
from percorso.core.smtp.errors import LocalProtocolError
from percorso.core.smtp.result import Answer, Capabilities, Stage, TransactionResult

_UNSAFE: Final = re.compile(rb"[\r\n\0]")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9._-]+")

LACKING: Final = {
    "8BITMIME": Reply(
        code=554,
        enhanced="5.6.3",  # RFC 3463, 3.7: conversion required but not supported
        text="the message holds 8-bit text, and the receiving server does not take it (no 8BITMIME)",
    ),
    "SMTPUTF8": Reply(
        code=553,
        enhanced="5.6.7",  # RFC 6531, 3.5
        text="the message has an internationalized address, and the receiving server does not take it (no SMTPUTF8)",
    ),
    "REQUIRETLS": Reply(
        code=550,
        enhanced="5.7.30",  # RFC 8689, 5
        text="the sender asks for TLS all the way, and the receiving server does not take that on (no REQUIRETLS)",
    ),
}


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One message to hand over.

    `content` is the message in wire form (lines end in CRLF, leading dots doubled, no final dot), in chunks; it is
    iterated once, lazily, as the wire takes it. Where it is None, the caller hands each chunk to `add_content` when
    the session `wants_content`. `size` is its octets, for SIZE (RFC 1870).
    """

    envelope: Envelope
    recipients: tuple[EnvelopeRecipient, ...]
    size: int
    content: Iterable[bytes] | None

    @property
    def internationalized(self) -> bool:
        """Whether the message or its sender is, so that no recipient can have it without SMTPUTF8 (RFC 6531, 3.4)."""
        sender = self.envelope.sender
        return self.envelope.smtputf8 or (sender is not None and sender.needs_smtputf8)


def command(text: str) -> bytes:
    """A command line, which whatever its arguments hold stays one line (else `LocalProtocolError`)."""
    try:
        line = text.encode("utf-8")
    except UnicodeEncodeError:
        raise LocalProtocolError(f"a command must be UTF-8: {text[:80]!r}") from None
    if _UNSAFE.search(line):
        raise LocalProtocolError(f"a command must not hold CR, LF or NUL: {text[:80]!r}")
    return line + b"\r\n"


@lru_cache(maxsize=8192)
def _path(address: Address | None) -> str:
    if address is None:
        return "<>"
    if not _DOMAIN.fullmatch(address.domain):
        raise LocalProtocolError(f"not a domain in A-labels: {address.domain[:80]!r}")
    return f"<{address}>"


def _rcpt(recipient: EnvelopeRecipient, capabilities: Capabilities) -> str:
    text = f"RCPT TO:{_path(recipient.address)}"
    return text + dsn.rcpt_words(recipient.parameters) if capabilities.offers("DSN") else text


class Course:
    """A running transaction: what to say next, and the answers so far.

    A recipient whose address needs SMTPUTF8 and does not find it is answered alone; the others go on without.
    """

    __slots__ = ("_answers", "_asked", "_transaction", "commands", "lacking", "mail_accepted")

    def __init__(self, transaction: Transaction, capabilities: Capabilities) -> None:
        if not transaction.recipients:
            raise LocalProtocolError("a transaction has at least one recipient")
        self._transaction = transaction
        self._answers: list[Answer | None] = [None] * len(transaction.recipients)
        self.mail_accepted = False
        self.lacking = self._what_is_lacking(capabilities)
        if self.lacking:
            self.settle(Stage.MAIL, LACKING[self.lacking], local=True)
        elif not capabilities.offers("SMTPUTF8"):
            self._answer_internationalized()
        going = [index for index, answer in enumerate(self._answers) if answer is None]
        self._asked = iter(going)
        recipients = [transaction.recipients[index] for index in going]
        self.commands = [
            (Stage.MAIL, command(self._mail(recipients, capabilities))),
            *[(Stage.RCPT, command(_rcpt(recipient, capabilities))) for recipient in recipients],
            (Stage.DATA, b"DATA\r\n"),
        ]

    def _what_is_lacking(self, capabilities: Capabilities) -> str:
        if self._transaction.internationalized and not capabilities.offers("SMTPUTF8"):
            return "SMTPUTF8"
        if self._transaction.envelope.eight_bit and not capabilities.offers("8BITMIME"):
            return "8BITMIME"
        if self._transaction.envelope.requiretls and not capabilities.offers("REQUIRETLS"):
            return "REQUIRETLS"
        return ""

    def _answer_internationalized(self) -> None:
        answer = Answer(stage=Stage.RCPT, reply=LACKING["SMTPUTF8"], local=True)
        for index, recipient in enumerate(self._transaction.recipients):
            if recipient.address.needs_smtputf8:
                self._answers[index] = answer
        if not self.wanted:
            self.lacking = "SMTPUTF8"

    def _mail(self, recipients: Iterable[EnvelopeRecipient], capabilities: Capabilities) -> str:
        text = f"MAIL FROM:{_path(self._transaction.envelope.sender)}"
        if capabilities.offers("SIZE"):
            text += f" SIZE={self._transaction.size}"
        if self._transaction.envelope.eight_bit:
            text += " BODY=8BITMIME"
        if self._transaction.internationalized or any(one.address.needs_smtputf8 for one in recipients):
            text += " SMTPUTF8"
        if self._transaction.envelope.requiretls:
            text += " REQUIRETLS"
        return text + dsn.mail_words(self._transaction.envelope) if capabilities.offers("DSN") else text

    @property
    def wanted(self) -> bool:
        """Whether a recipient is still to be decided."""
        return None in self._answers

    def take(self, stage: Stage, reply: Reply) -> None:
        """Record one answer of the dialog."""
        if stage is Stage.RCPT:
            index = next(self._asked)
            if not reply.positive and self._answers[index] is None:
                self._answers[index] = Answer(stage=stage, reply=reply)
        elif stage is Stage.CONTENT or not (reply.positive or reply.code == 354):
            self.settle(stage, reply)
        if stage is Stage.MAIL:
            self.mail_accepted = reply.positive

    def settle(self, stage: Stage, reply: Reply, *, local: bool = False) -> None:
        """Decide every recipient that is still undecided."""
        answer = Answer(stage=stage, reply=reply, local=local)
        self._answers = [known or answer for known in self._answers]

    def result(self, *, uncertain: bool = False) -> TransactionResult:
        """What is known now."""
        return TransactionResult(answers=tuple(self._answers), lacking=self.lacking, uncertain=uncertain)
