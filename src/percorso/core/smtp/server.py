"""The server's side of an SMTP connection, without the connection (RFC 5321, 2920, 3207, 4954).

The rules:

1. Feed with `receive_data`; act on `next_event` until it is None; then write `data_to_send`: replies to pipelined
   commands go out together (RFC 2920, 3.2).
2. Which command may come when is in `states.NEXT` and nowhere else. The content has no commands: see `data`.
3. After `MessageReceived` nothing more is parsed until the caller says `answer`; so it is the caller that says 250.
4. Behind STARTTLS no octet may wait (RFC 3207, 4.2; CVE-2011-0411); after `tls_established` nothing that was said
   before is known any more.
5. After `Authenticate` nothing more is parsed until the caller says `authenticated`. No password is kept here.
6. `Closed` is the last event: write what is left and close.
"""

import re
from collections.abc import Callable
from typing import ClassVar, Final

import msgspec

from percorso.core.mail.address import Address, BadAddress, parse_path, parse_recipient
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient, RecipientParameters
from percorso.core.mail.reply import Reply
from percorso.core.smtp import said
from percorso.core.smtp.admission import AdmitRecipient, AdmitSender, admit_anyone, admit_complete
from percorso.core.smtp.auth import LINE_TOO_LONG, MECHANISMS, UNKNOWN_MECHANISM, Exchange, Step
from percorso.core.smtp.commands import BAD_PARAMETER, BadCommand, mail_argument, rcpt_argument, split_command
from percorso.core.smtp.data import DataFilter
from percorso.core.smtp.errors import LocalProtocolError
from percorso.core.smtp.events import Closed, Content, ContentRefused, Event, MessageReceived, StartTls
from percorso.core.smtp.extensions import Draft, Limits, Security, offered
from percorso.core.smtp.replies import format_lines, format_reply
from percorso.core.smtp.states import NEXT, SEQUENCE, State

# What a client may call itself: no sign that means something in a header (RFC 5321, 4.1.1.1, read generously).
_HELO_NAME: Final = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
_PLAIN: Final = Security()
_NO_PARAMETERS: Final = RecipientParameters()


class ServerSession:
    """One connection's dialog, seen from the server."""

    def __init__(
        self,
        *,
        hostname: str,
        limits: Limits,
        security: Security = _PLAIN,
        admit_sender: AdmitSender = admit_anyone,
        admit_recipient: AdmitRecipient = admit_complete,
    ) -> None:
        self._hostname = hostname
        self._limits = limits
        self._security = security
        self._offer = offered(security)
        self._admit_sender = admit_sender
        self._admit_recipient = admit_recipient
        self._state = State.START
        self._buffer = b""
        self._at = 0  # octets of the buffer that are done with
        self._skipping = False  # the rest of a command line that is too long
        self._out: list[bytes] = []
        self._events: list[Event] = []
        self._errors = 0
        self._draft: Draft | None = None
        self._filter: DataFilter | None = None
        self._exchange: Exchange | None = None
        self._claimed = ""  # the account that is being verified
        self.account = ""  # the one that authenticated
        self.helo = ""
        self.esmtp = False

    @property
    def state(self) -> State:
        """Where the dialog stands."""
        return self._state

    @property
    def smtputf8(self) -> bool:
        """Whether this transaction's MAIL asked for SMTPUTF8."""
        return self._draft is not None and self._draft.smtputf8

    def greet(self) -> None:
        """Say 220. Instead of it, `close` may refuse the connection."""
        self._say(said.reply(220, "", f"{self._hostname} ESMTP"))

    def receive_data(self, data: bytes) -> None:
        """Take in what the client sent. `LocalProtocolError` where the caller did not stop reading in time."""
        if self._state is State.HANDSHAKE:
            raise LocalProtocolError("these octets belong to the TLS handshake")
        waits = self._state in (State.COMMIT, State.VERIFY)
        if waits and len(self._buffer) - self._at + len(data) > self._limits.pending:
            raise LocalProtocolError("stop reading while a message is committed or a password is verified")
        if self._state is not State.CLOSED:
            self._buffer = self._buffer[self._at :] + data
            self._at = 0

    def next_event(self) -> Event | None:
        """What the caller is to do next; None when it is the client's turn, or the caller's answer is due."""
        while not self._events:
            if self._state is State.CONTENT and self._pending:
                self._read_content()
            elif self._state not in NEXT or not self._read_line():
                return None
        return self._events.pop(0)

    def data_to_send(self) -> bytes:
        """The replies to write now, or b""."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def answer(self, reply: Reply) -> None:
        """The reply to a message that was received: 250 once it is kept, else why not."""
        if self._state is not State.COMMIT:
            raise LocalProtocolError("no message waits for an answer")
        self._end_transaction(State.READY)
        if reply.positive:
            self._errors = 0
        self._out.append(format_reply(reply))  # where we fail, that is not counted as the client's error

    def authenticated(self, reply: Reply) -> None:
        """The reply to `Authenticate`: 235 where the password is right, else why not."""
        if self._state is not State.VERIFY:
            raise LocalProtocolError("nobody waits for an answer to AUTH")
        if reply.positive:
            self.account = self._claimed
        self._state, self._claimed = State.READY, ""
        self._say(reply)

    def tls_established(self) -> None:
        """The handshake is done: forget all that was said in plaintext (RFC 3207, 4.2)."""
        if self._state is not State.HANDSHAKE:
            raise LocalProtocolError("TLS was not agreed on")
        self._security = msgspec.structs.replace(self._security, encrypted=True)
        self._offer = offered(self._security)
        self.helo, self.esmtp, self.account = "", False, ""
        self._end_transaction(State.START)

    def close(self, reply: Reply) -> None:
        """Say a last word, parse nothing more and close. In the content: the message is not accepted."""
        if self._state is not State.CLOSED:
            self._out.append(format_reply(reply))
            self._end_transaction(State.CLOSED)
            self._events.append(Closed())

    @property
    def _pending(self) -> bool:
        return len(self._buffer) > self._at

    def _say(self, reply: Reply) -> None:
        self._out.append(format_reply(reply))
        if reply.code >= 400:
            self._errors += 1
            if self._errors > self._limits.errors:
                self.close(said.TOO_MANY_ERRORS)

    def _end_transaction(self, state: State) -> None:
        self._draft = self._filter = None
        self._state = state

    # Commands

    def _read_line(self) -> bool:
        """Act on the next line, a command or an answer to a challenge; False when there is none yet."""
        start, end = self._at, self._buffer.find(b"\n", self._at) + 1
        if not end:
            if len(self._buffer) - start > self._limits.command:
                self._at, self._skipping = len(self._buffer), True
            return False
        self._at = end
        if self._skipping or end - start > self._limits.command:
            self._skipping = False
            self._refuse_line()
        elif self._exchange is not None:
            self._go_on(self._exchange.answer(self._buffer[start:end]))
        else:
            self._read_command(self._buffer[start:end])
        return True

    def _refuse_line(self) -> None:
        if self._exchange is not None:
            self._go_on(LINE_TOO_LONG)
        else:
            self._say(said.LINE_TOO_LONG)

    def _read_command(self, line: bytes) -> None:
        try:
            self._do(*split_command(line))
        except BadCommand as bad:
            self._say(bad.reply)

    def _do(self, verb: str, argument: str) -> None:
        command = self._COMMANDS.get(verb)
        if command is None:
            self._say(said.UNKNOWN)
            return
        following = NEXT[self._state].get(verb)
        if following is None:
            self._say(said.reply(503, "5.5.1", SEQUENCE[verb]))
            return
        reply = command(self, argument)
        if reply is None:
            return
        if reply.code < 400:
            self._state = following
        self._say(reply)

    # Each returns its reply, or None where it has spoken itself.

    def _ehlo(self, argument: str) -> Reply | None:
        if not _HELO_NAME.fullmatch(argument):
            return said.NO_NAME
        self.helo, self.esmtp = argument, True
        self._end_transaction(State.READY)  # RFC 5321, 4.1.4: as RSET
        lines = (extension.line(self._limits) for extension in self._offer.extensions)
        self._out.append(format_lines(250, [self._hostname, *lines]))
        return None

    def _helo(self, argument: str) -> Reply:
        if not _HELO_NAME.fullmatch(argument):
            return said.NO_NAME
        self.helo, self.esmtp = argument, False
        self._draft = None
        return said.reply(250, "", self._hostname)

    def _mail(self, argument: str) -> Reply:
        if self._security.auth and not self.account:
            return said.NEEDS_AUTH if self._security.encrypted else said.NEEDS_TLS
        given = mail_argument(argument)
        if given is None:
            return said.reply(501, "5.1.7", "say MAIL FROM:<address>, with the angle brackets")
        draft = Draft(sender=None)
        for name, value in given.parameters.items():
            take = self._offer.mail.get(name)
            refusal = take(draft, value, self._limits) if take else said.UNKNOWN_PARAMETER
            if refusal is not None:
                return refusal
        if not (draft.smtputf8 or given.path.isascii()):
            return said.NEEDS_SMTPUTF8
        try:
            draft.sender = parse_path(given.path)
        except BadAddress as error:
            return said.reply(501, "5.1.7", str(error))
        refusal = self._admit_sender(draft.sender)
        if refusal is None:
            self._draft = draft
        return refusal or said.SENDER_OK

    def _rcpt(self, argument: str) -> Reply:
        draft = self._transaction()
        given = rcpt_argument(argument)
        if given is None:
            return said.reply(501, "5.1.3", "say RCPT TO:<address>, with the angle brackets")
        parameters = self._take_parameters(given.parameters)
        if isinstance(parameters, Reply):
            return parameters
        if not (draft.smtputf8 or given.path.isascii()):
            return said.NEEDS_SMTPUTF8
        try:
            address = parse_recipient(given.path)
        except BadAddress as error:
            return said.reply(501, "5.1.3", str(error))
        return said.NULL_RECIPIENT if address is None else self._admit(draft, address, parameters)

    def _take_parameters(self, given: dict[str, str]) -> RecipientParameters | Reply:
        parameters = _NO_PARAMETERS
        for name, value in given.items():
            take = self._offer.rcpt.get(name)
            taken = take(parameters, value) if take else None
            if taken is None:
                return BAD_PARAMETER if take else said.UNKNOWN_PARAMETER
            parameters = taken
        return parameters

    def _admit(self, draft: Draft, address: Address, parameters: RecipientParameters) -> Reply:
        if len(draft.recipients) >= self._limits.recipients:
            # RFC 5321, 4.5.3.1.10: not the client's error, so as many again are not counted as one.
            draft.refused_recipients += 1
            self._errors -= draft.refused_recipients <= self._limits.recipients
            return said.TOO_MANY_RECIPIENTS
        admitted = self._admit_recipient(address)
        if isinstance(admitted, Reply):
            return admitted
        draft.recipients.append(EnvelopeRecipient(address=admitted, parameters=parameters))
        return said.RECIPIENT_OK

    def _data(self, argument: str) -> Reply:
        if argument:
            return said.NO_ARGUMENT
        self._filter = DataFilter(max_size=self._limits.size, max_line=self._limits.line)
        return said.SEND_CONTENT

    def _rset(self, argument: str) -> Reply:
        if argument:
            return said.NO_ARGUMENT
        self._draft = None
        return said.OK

    def _starttls(self, argument: str) -> Reply | None:
        if argument:
            return said.NO_ARGUMENT  # RFC 3207, 4
        if self._security.encrypted or not self._security.starttls:
            return said.NO_TLS
        if self._pending:
            self.close(said.INJECTION)
            return None
        self._events.append(StartTls())
        return said.READY_FOR_TLS

    def _auth(self, argument: str) -> Reply | None:
        if not self._security.auth:
            return said.NO_AUTH
        if not self._security.encrypted:
            return said.AUTH_NEEDS_TLS
        if self.account:
            return said.AUTHENTICATED_ALREADY
        mechanism, _, initial = argument.partition(" ")
        if mechanism.upper() not in MECHANISMS:
            return UNKNOWN_MECHANISM
        self._exchange = Exchange(mechanism.upper())
        self._go_on(self._exchange.begin(initial))
        return None

    def _go_on(self, step: Step) -> None:
        """Do what the exchange leads to: the next challenge, its end, or the reply that breaks it off."""
        if isinstance(step, bytes):
            self._out.append(b"334 " + step + b"\r\n")  # RFC 4954, 4: the space is there also before an empty one
            self._state = State.AUTH
            return
        self._exchange = None
        if isinstance(step, Reply):
            self._state = State.READY
            self._say(step)
        else:
            self._state, self._claimed = State.VERIFY, step.identity
            self._events.append(step)

    def _quit(self, _argument: str) -> None:
        self.close(said.BYE)

    def _noop(self, _argument: str) -> Reply:
        return said.OK

    def _vrfy(self, _argument: str) -> Reply:
        return said.CANNOT_VERIFY

    def _help(self, _argument: str) -> Reply:
        return said.HELP

    _COMMANDS: ClassVar[dict[str, Callable[["ServerSession", str], Reply | None]]] = {
        "EHLO": _ehlo, "HELO": _helo, "MAIL": _mail, "RCPT": _rcpt, "DATA": _data, "RSET": _rset,
        "NOOP": _noop, "VRFY": _vrfy, "HELP": _help, "QUIT": _quit, "STARTTLS": _starttls, "AUTH": _auth,
    }  # fmt: skip

    # Content

    def _read_content(self) -> None:
        content = self._filter
        if content is None:
            raise LocalProtocolError("no content is being received")
        data = content.feed(self._buffer[self._at :])
        self._buffer, self._at = content.rest, 0
        if data:
            self._events.append(Content(data))
        if content.ended:
            self._end_content(content)

    def _end_content(self, content: DataFilter) -> None:
        if content.offence is not None:
            self._events.append(ContentRefused())
            self._end_transaction(State.READY)
            self._say(said.OFFENCES[content.offence])
            return
        draft = self._transaction()
        envelope = Envelope(
            sender=draft.sender,
            eight_bit=content.eight_bit,
            smtputf8=draft.smtputf8 and content.eight_bit,
            requiretls=draft.requiretls,
            ret=draft.ret,
            envid=draft.envid,
        )
        self._events.append(MessageReceived(envelope=envelope, recipients=tuple(draft.recipients)))
        self._state = State.COMMIT

    def _transaction(self) -> Draft:
        if self._draft is None:
            raise LocalProtocolError("no transaction is running")
        return self._draft
