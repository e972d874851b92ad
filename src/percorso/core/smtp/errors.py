"""What can go wrong in a dialog: by their fault, or by ours."""

import enum


class Problem(enum.StrEnum):
    """What a peer did against the protocol. Stable names."""

    MALFORMED_REPLY = "malformed-reply"
    REPLY_TOO_LONG = "reply-too-long"
    UNEXPECTED_REPLY = "unexpected-reply"
    UNSOLICITED_REPLY = "unsolicited-reply"
    RESPONSE_INJECTION = "response-injection"  # plaintext behind the 220 to STARTTLS, CVE-2011-0411


class ProtocolError(Exception):
    """The dialog cannot go on."""


class LocalProtocolError(ProtocolError):
    """Our code broke a rule: a call in the wrong state, or a value that may not go into a command."""


class RemoteProtocolError(ProtocolError):
    """The peer broke a rule; close the connection. `problem` is the kind, the message says what was seen."""

    def __init__(self, problem: Problem, detail: str) -> None:
        super().__init__(f"{problem}: {detail}")
        self.problem = problem
        self.detail = detail
