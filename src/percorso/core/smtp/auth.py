"""Authentication of a client, on either side: the exchanges of PLAIN and LOGIN (RFC 4954; RFC 4616).

1. An exchange ends in an `Authenticate` event, or in the reply that says what was wrong with it. No password is judged
   here.
2. Nothing of what the client sent is in a reply.
"""

import binascii
from typing import Final

from percorso.core.mail.reply import Reply
from percorso.core.smtp.events import Authenticate

MECHANISMS: Final = ("PLAIN", "LOGIN")

UNKNOWN_MECHANISM: Final = Reply(code=504, enhanced="5.5.4", text=f"use one of: {', '.join(MECHANISMS)}")
CANCELLED: Final = Reply(code=501, enhanced="5.7.0", text="the authentication was cancelled")
NOT_BASE64: Final = Reply(code=501, enhanced="5.5.2", text="this is not base64")
LINE_TOO_LONG: Final = Reply(code=500, enhanced="5.5.6", text="the line of the authentication is too long")
MALFORMED: Final = Reply(code=501, enhanced="5.5.2", text="the authentication holds no name and password")
NOT_FOR_OTHERS: Final = Reply(code=535, enhanced="5.7.8", text="an account may authenticate only as itself")

_PROMPTS: Final = ("Username:", "Password:")  # what clients of LOGIN know, some by their letters

Step = bytes | Reply | Authenticate
"""What an exchange leads to: a challenge (in base64), a reply that ends it, or its end."""


class Exchange:
    """One AUTH command, from its mechanism to its credentials."""

    __slots__ = ("_answers", "_mechanism")

    def __init__(self, mechanism: str) -> None:
        self._mechanism = mechanism
        self._answers: list[str] = []

    def begin(self, initial: str) -> Step:
        """The command itself, with its initial response, or "" for none (RFC 4954, 4)."""
        if not initial:
            return self._next()
        return self._take(b"" if initial == "=" else initial.encode("utf-8"))

    def answer(self, line: bytes) -> Step:
        """A line of the client's, with its line end."""
        if not line.endswith(b"\r\n"):  # RFC 5321, 2.3.8
            return NOT_BASE64
        return CANCELLED if line == b"*\r\n" else self._take(line[:-2])

    def _take(self, encoded: bytes) -> Step:
        try:
            self._answers.append(binascii.a2b_base64(encoded, strict_mode=True).decode("utf-8"))
        except ValueError:
            return NOT_BASE64
        return self._next()

    def _next(self) -> Step:
        if self._mechanism == "PLAIN":
            return _plain(self._answers[0]) if self._answers else b""
        if len(self._answers) < len(_PROMPTS):
            return _encoded(_PROMPTS[len(self._answers)])
        identity, password = self._answers
        return _credentials("LOGIN", identity, password)


def login(offered: str, identity: str, password: str) -> list[bytes]:
    """What a client says, line by line, to a server that offers these mechanisms; nothing where none is in common."""
    mechanisms = offered.upper().split()
    if "PLAIN" in mechanisms:
        return [b"AUTH PLAIN " + _encoded(f"\0{identity}\0{password}") + b"\r\n"]
    if "LOGIN" in mechanisms:
        return [b"AUTH LOGIN\r\n", _encoded(identity) + b"\r\n", _encoded(password) + b"\r\n"]
    return []


def _encoded(text: str) -> bytes:
    return binascii.b2a_base64(text.encode("utf-8"), newline=False)


def _plain(message: str) -> Step:
    """RFC 4616, 2: [authzid] NUL authcid NUL passwd."""
    parts = message.split("\0")
    if len(parts) != 3:
        return MALFORMED
    on_behalf_of, identity, password = parts
    if on_behalf_of not in {"", identity}:
        return NOT_FOR_OTHERS
    return _credentials("PLAIN", identity, password)


def _credentials(mechanism: str, identity: str, password: str) -> Step:
    if not identity or not password or "\0" in identity + password:
        return MALFORMED
    return Authenticate(mechanism=mechanism, identity=identity, password=password)
