"""The server's states, and which command leads from one to the next (RFC 5321, 4.1.4).

1. Everything that makes a command in or out of sequence is in `NEXT`.
2. A state without a row takes no lines: what comes in is content, or waits, or belongs to TLS, or is ignored.
"""

import enum
from typing import Final


class State(enum.IntEnum):
    """Where the dialog stands. (Of integers, because these are looked up for every command.)"""

    START = enum.auto()  # no EHLO yet
    READY = enum.auto()  # no transaction
    MAIL = enum.auto()  # a sender
    RCPT = enum.auto()  # a sender and at least one recipient
    CONTENT = enum.auto()  # 354 was said
    COMMIT = enum.auto()  # the content is complete, and the caller stores it
    HANDSHAKE = enum.auto()  # 220 to STARTTLS was said
    AUTH = enum.auto()  # 334 was said, and lines are answers to it
    VERIFY = enum.auto()  # the credentials are complete, and the caller looks at them
    CLOSED = enum.auto()


_AFRESH: Final = {"EHLO": State.READY, "HELO": State.READY, "RSET": State.READY}


def _row(state: State, **commands: State) -> dict[str, State]:
    return dict.fromkeys(("NOOP", "VRFY", "HELP"), state) | {"QUIT": State.CLOSED} | commands


# Where a command leads if it succeeds. A command that is not in the state's row is out of sequence.
NEXT: Final[dict[State, dict[str, State]]] = {
    State.START: _row(State.START, **_AFRESH | {"RSET": State.START}),
    State.READY: _row(State.READY, **_AFRESH, MAIL=State.MAIL, STARTTLS=State.HANDSHAKE, AUTH=State.VERIFY),
    State.MAIL: _row(State.MAIL, **_AFRESH, RCPT=State.RCPT),
    State.RCPT: _row(State.RCPT, **_AFRESH, RCPT=State.RCPT, DATA=State.CONTENT),
    State.AUTH: {},  # lines are no commands: see `auth`
}

# What to say to a command that is out of sequence.
SEQUENCE: Final = {
    "MAIL": "say EHLO before MAIL, and MAIL only once in a transaction",
    "RCPT": "say MAIL before RCPT",
    "DATA": "no recipient was accepted, so there is no message to take",
    "AUTH": "say EHLO before AUTH, and AUTH outside a transaction",
    "STARTTLS": "say EHLO before STARTTLS, and STARTTLS outside a transaction",
}
