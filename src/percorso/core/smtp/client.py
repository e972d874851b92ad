"""The client's side of an SMTP connection, without the connection (RFC 5321, 2920, 3207).

The rules:

1. Ask for one operation at a time: `hello`, `starttls`, `authenticate`, `send`, `reset`, `quit`. Each ends in one
   result, which `next_result` gives once.
2. Pull with `data_to_send` until it is empty, feed with `receive_data`. The session holds no socket and no clock.
3. `dot_sent` turns true in the very call of `data_to_send` that hands out the final dot. From then until the reply,
   the fate of the message is *uncertain*: only the peer knows it (RFC 5321, 6.1).
4. When the connection fails (closed, timed out, or any `ProtocolError`), `abort` tells what is known of the running
   transaction. After it the session is of no more use.
5. What the peer said before TLS is forgotten after TLS (RFC 3207, 4.2): `tls_established`, then `hello` again.

To drive it, with `read` and `write` of any kind:

    async def run(session: ClientSession) -> Result:
        while (result := session.next_result()) is None:
            if data := session.data_to_send():
                await write(data)
            elif not (data := await read(timeout=session.timeout)):
                raise ConnectionError  # then session.abort() tells what is known
            else:
                session.receive_data(data)
        return result

    session = ClientSession()
    session.hello("mx.corp.test")
    answer = await run(session)                  # an Answer: stage "connect", "ehlo" or "helo", and the reply
    if session.capabilities.offers("STARTTLS"):
        session.starttls()
        if (await run(session)).reply.code == 220:
            ...                                  # the handshake, on the same connection
            session.tls_established()
            session.hello("mx.corp.test")
            answer = await run(session)
    session.send(Transaction(envelope=..., recipients=..., size=..., content=[wire_form]))
    outcome = await run(session)                 # a TransactionResult: one Answer for each recipient
    if session.reusable:                         # may carry another transaction; RSET is sent where it is due
        session.quit()

Content that comes asynchronously (from a spool): `content=None` in the `Transaction`, and in the loop, before `read`,

            elif session.wants_content:
                session.add_content(await anext(chunks, b""))  # b"" is the end

In an `asyncio.Protocol` the same loop runs in `data_received` and `resume_writing`, without the awaits: pull
`data_to_send` while writing is not paused, and look at `next_result` after `receive_data`.
"""

import enum
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from percorso.core.mail.reply import Reply
from percorso.core.smtp.data import END
from percorso.core.smtp.errors import LocalProtocolError, Problem, RemoteProtocolError
from percorso.core.smtp.replies import PeerReply, ReplyReader
from percorso.core.smtp.result import Answer, Capabilities, Stage, TransactionResult
from percorso.core.smtp.transaction import Course, Transaction, command

Result = Answer | TransactionResult


class _State(enum.Enum):
    IDLE = enum.auto()  # an operation may begin
    ASKING = enum.auto()  # commands are out, or about to be; their replies are awaited in order
    CONTENT = enum.auto()  # 354 came; the content goes out chunk by chunk
    FINAL = enum.auto()  # the final dot has been handed out
    HANDSHAKE = enum.auto()  # 220 to STARTTLS came; TLS is the caller's
    CLOSED = enum.auto()


_NOT_A_NAME: Final = re.compile(r"[^!-~]")

# What a peer may answer, besides 4xx and 5xx.
_EXPECTED: Final = {Stage.CONNECT: (220,), Stage.STARTTLS: (220,), Stage.AUTH: (235, 334), Stage.DATA: (354,)}
_DONE: Final = range(200, 300)

_TIMEOUTS: Final = {Stage.DATA: 120.0, Stage.CONTENT: 180.0}  # RFC 5321, 4.5.3.2.4 and 4.5.3.2.5
_TIMEOUT: Final = 300.0  # RFC 5321, 4.5.3.2.1 to 4.5.3.2.3
_FINAL_TIMEOUT: Final = 600.0  # RFC 5321, 4.5.3.2.6


class ClientSession:
    """One connection's dialog, seen from the client."""

    def __init__(self) -> None:
        self._state = _State.IDLE
        self._reader = ReplyReader()
        self._out: list[bytes] = []
        self._to_ask: deque[tuple[Stage, bytes]] = deque()
        self._awaited: deque[Stage] = deque()
        self._result: Result | None = None
        self._greeted = False
        self._introduced = False
        self._name = ""
        self._allow_helo = False
        self._capabilities = Capabilities()
        self._closing = False
        self._needs_reset = False
        self._course: Course | None = None
        self._content: Iterator[bytes] | None = None  # None: the caller adds it
        self._next_chunk = b""
        self._content_ended = False
        self._last_octets = b""

    @property
    def capabilities(self) -> Capabilities:
        """What the last EHLO answered; empty before it, after HELO, and after `tls_established`."""
        return self._capabilities

    @property
    def stage(self) -> Stage | None:
        """What the session now waits for an answer to; None when nothing runs."""
        return self._awaited[0] if self._awaited else None

    @property
    def timeout(self) -> float:
        """Seconds that RFC 5321, 4.5.3.2 gives the peer (or one write of content) at this stage."""
        if self._state is _State.FINAL:
            return _FINAL_TIMEOUT
        return _TIMEOUTS.get(self._awaited[0], _TIMEOUT) if self._awaited else _TIMEOUT

    @property
    def dot_sent(self) -> bool:
        """Whether the running transaction's final dot has been handed out and is not yet answered."""
        return self._state is _State.FINAL and self._course is not None and self._course.wanted

    @property
    def reusable(self) -> bool:
        """Whether nothing runs and another operation may begin: no 421, no unasked-for input, not closed."""
        return self._state is _State.IDLE and self._result is None and not self._closing and not self._reader.pending

    def hello(self, name: str, *, allow_helo: bool = False) -> None:
        """Await the greeting (the first time), then EHLO; HELO after a 5xx to EHLO only if allowed.

        Result: an `Answer` with stage `connect` (the greeting refused us), `ehlo` or `helo`.
        """
        ehlo = command(f"EHLO {name}")
        if _NOT_A_NAME.search(name) or not name:
            raise LocalProtocolError(f"EHLO takes a domain name or an address literal, not {name[:80]!r}")
        self._name, self._allow_helo = name, allow_helo
        if self._greeted:
            self._begin([(Stage.EHLO, ehlo)])
        else:
            self._begin([(Stage.CONNECT, b""), (Stage.EHLO, ehlo)])

    def starttls(self) -> None:
        """Ask for TLS. Result: an `Answer`, 220 when the handshake may begin.

        Anything behind the 220 in the same input raises `RemoteProtocolError` with `RESPONSE_INJECTION`.
        """
        self._begin([(Stage.STARTTLS, b"STARTTLS\r\n")])

    def authenticate(self, lines: Sequence[bytes]) -> None:
        """AUTH with lines as `auth.login` gives them. Only over TLS that meets what is required: they hold a password.

        Result: an `Answer`, 235 where the peer knows us from now on.
        """
        self._begin([(Stage.AUTH, line) for line in lines])

    def tls_established(self) -> None:
        """The handshake is done: forget what was said in plaintext. Next is `hello`. For implicit TLS, not needed."""
        if self._state is not _State.HANDSHAKE or self._result is not None:
            raise LocalProtocolError("TLS was not agreed on")
        self._capabilities = Capabilities()  # RFC 3207, 4.2
        self._introduced = False
        self._state = _State.IDLE

    def send(self, transaction: Transaction) -> None:
        """Hand over one message, pipelined where the peer offers it. Result: a `TransactionResult`.

        Needs that the peer lacks (8BITMIME, SMTPUTF8, REQUIRETLS) give a result at once, without a byte on the wire.
        """
        if not self._introduced:
            raise LocalProtocolError("EHLO comes first, and again after STARTTLS")
        course = Course(transaction, self._capabilities)
        if course.lacking:
            self._begin([])
            self._finish(course.result())
            return
        reset = [(Stage.RSET, b"RSET\r\n")] if self._needs_reset else []
        self._begin([*reset, *course.commands], together=self._capabilities.offers("PIPELINING"))
        self._needs_reset = False
        self._course = course
        self._content = None if transaction.content is None else filter(None, transaction.content)
        self._next_chunk, self._last_octets, self._content_ended = b"", b"\r\n", False

    def reset(self) -> None:
        """RSET, also as a probe of an idle connection. Result: an `Answer`."""
        self._begin([(Stage.RSET, b"RSET\r\n")])

    def quit(self) -> None:
        """QUIT. Result: an `Answer`; then close."""
        self._begin([(Stage.QUIT, b"QUIT\r\n")])

    def data_to_send(self) -> bytes:
        """What to write now, or b"" when it is the peer's turn. In the content, one chunk for each call.

        An exception of the content's iterator comes through; close without sending more (no final dot was sent).
        """
        if self._state is _State.CONTENT and self._content is not None:
            self._add_next_chunk(self._content)
        data = b"".join(self._out)
        self._out.clear()
        if self._content_ended and self._state is _State.CONTENT:
            self._state = _State.FINAL
        return data

    @property
    def wants_content(self) -> bool:
        """Whether the transaction came without `content`, and its next chunk is due."""
        return self._state is _State.CONTENT and self._content is None and not (self._out or self._content_ended)

    def add_content(self, chunk: bytes) -> None:
        """The next chunk of a transaction that came without `content`; b"" is its end."""
        if not self.wants_content:
            raise LocalProtocolError("no content is wanted now")
        self._add_chunk(chunk, last=not chunk)

    def receive_data(self, data: bytes) -> None:
        """Take in what the peer sent; raises `RemoteProtocolError`."""
        try:
            if self._state is _State.HANDSHAKE:
                raise RemoteProtocolError(Problem.RESPONSE_INJECTION, "plaintext after STARTTLS was agreed on")
            self._reader.feed(data)
            self._read_replies()
        except RemoteProtocolError:
            self._closing = True
            raise

    def next_result(self) -> Result | None:
        """The finished operation's result, once; None while it runs."""
        result, self._result = self._result, None
        return result

    def abort(self) -> TransactionResult | None:
        """The connection failed: what is known of the running transaction, None if there is none."""
        known = self._course.result(uncertain=self.dot_sent) if self._course else None
        self._state, self._course = _State.CLOSED, None
        return known

    # Asking

    def _begin(self, commands: list[tuple[Stage, bytes]], *, together: bool = False) -> None:
        if self._state is not _State.IDLE or self._result is not None:
            raise LocalProtocolError("an operation is still running, or the session is closed")
        if self._closing:
            raise LocalProtocolError("the peer is closing the connection")
        if self._greeted and self._reader.pending:
            raise RemoteProtocolError(Problem.UNSOLICITED_REPLY, "input that nothing was asked for")
        self._state = _State.ASKING
        self._to_ask.extend(commands)
        for _ in commands if together else commands[:1]:
            self._ask_next()
        if not self._greeted:
            self._read_replies()

    def _ask_next(self) -> None:
        stage, line = self._to_ask.popleft()
        self._awaited.append(stage)
        self._out.append(line)

    # Replies

    def _read_replies(self) -> None:
        while self._state is not _State.HANDSHAKE and self._result is None:
            if not (self._awaited or self._greeted):
                return  # a greeting that came before `hello` waits for it
            answer = self._reader.next_reply()
            if answer is None:
                return
            if not self._awaited:
                self._take_unasked(answer.reply)
                return
            self._take(self._awaited.popleft(), answer)

    def _take_unasked(self, reply: Reply) -> None:
        if reply.code != 421:  # RFC 5321, 3.8: a server may say 421 at any time and close
            raise RemoteProtocolError(Problem.UNSOLICITED_REPLY, f"nothing was asked, and it says {reply}")
        self._closing = True

    def _take(self, stage: Stage, answer: PeerReply) -> None:
        reply = answer.reply
        if not (reply.transient or reply.permanent or reply.code in _EXPECTED.get(stage, _DONE)):
            raise RemoteProtocolError(Problem.UNEXPECTED_REPLY, f"the answer to {stage} is {reply}")
        if self._course is not None:
            self._take_in_transaction(self._course, stage, reply)
        elif stage is Stage.CONNECT and reply.positive:
            self._greeted = True
            self._ask_next()
        elif stage is Stage.EHLO and reply.permanent and self._allow_helo:
            self._to_ask.append((Stage.HELO, command(f"HELO {self._name}")))
            self._ask_next()
        elif stage is Stage.AUTH and reply.code == 334:
            self._take_challenge(reply)
        else:
            self._take_last(stage, answer, reply)

    def _take_challenge(self, reply: Reply) -> None:
        if not self._to_ask:
            raise RemoteProtocolError(Problem.UNEXPECTED_REPLY, f"all was said, and it asks for more: {reply}")
        self._ask_next()

    def _take_last(self, stage: Stage, answer: PeerReply, reply: Reply) -> None:
        """The reply that ends an operation other than a transaction."""
        if stage in (Stage.EHLO, Stage.HELO):
            self._introduced = reply.positive
            self._capabilities = _read_capabilities(answer.lines if stage is Stage.EHLO and reply.positive else [])
        self._closing = self._closing or stage in (Stage.QUIT, Stage.CONNECT) or reply.code == 421
        agreed = stage is Stage.STARTTLS and reply.positive
        if agreed and self._reader.pending:
            raise RemoteProtocolError(Problem.RESPONSE_INJECTION, "plaintext behind the 220 to STARTTLS")
        self._finish(Answer(stage=stage, reply=reply), then=_State.HANDSHAKE if agreed else _State.IDLE)

    def _take_in_transaction(self, course: Course, stage: Stage, reply: Reply) -> None:
        early = self._state is _State.CONTENT
        if early and reply.positive:
            raise RemoteProtocolError(Problem.UNEXPECTED_REPLY, f"in the middle of the content it says {reply}")
        if stage is Stage.RSET and not reply.positive and reply.code != 421:
            # RFC 5321, 4.1.1.5: it cannot be refused. What follows would be said in an unknown state of the peer's.
            raise RemoteProtocolError(Problem.UNEXPECTED_REPLY, f"the answer to RSET is {reply}")
        course.take(stage, reply)
        if early or reply.code == 421:  # RFC 5321, 3.8: the peer is leaving; no other answer will come
            course.settle(stage, reply)
            self._closing = True
        elif reply.code == 354:
            self._begin_content(course)
            return
        elif self._awaited or (self._to_ask and course.wanted):
            if not self._awaited:
                self._ask_next()
            return
        self._needs_reset = course.mail_accepted and stage is not Stage.CONTENT
        self._finish(course.result())

    def _finish(self, result: Result, *, then: _State = _State.IDLE) -> None:
        self._out.clear()
        self._awaited.clear()
        self._to_ask.clear()
        self._course = None
        self._result = result
        self._state = then

    # Content

    def _begin_content(self, course: Course) -> None:
        self._awaited.append(Stage.CONTENT)
        if course.wanted:
            self._state = _State.CONTENT
        else:  # RFC 2920, 3.1: no recipient is left, so the content is empty
            self._out.append(b".\r\n")
            self._state = _State.FINAL

    def _add_next_chunk(self, content: Iterator[bytes]) -> None:
        chunk = self._next_chunk or next(content, b"")
        self._next_chunk = next(content, b"")
        self._add_chunk(chunk, last=not self._next_chunk)

    def _add_chunk(self, chunk: bytes, *, last: bool) -> None:
        """Queue a chunk; the last takes the final dot along. Content that would say more than it is stays here."""
        if END in chunk or END in self._last_octets + chunk[:4]:
            raise LocalProtocolError("the content holds an end of data; it is not in wire form")
        self._last_octets = (self._last_octets + chunk if len(chunk) < 4 else chunk)[-4:]
        if last and not self._last_octets.endswith(b"\r\n"):
            raise LocalProtocolError("the content does not end in CRLF; it is not in wire form")
        self._out.append(chunk + b".\r\n" if last else chunk)
        self._content_ended = last


def _read_capabilities(lines: list[str]) -> Capabilities:
    """The keywords of an EHLO reply, whose first line is the server's name."""
    pairs = (line.partition(" ") for line in lines[1:])
    return Capabilities(keywords={keyword.upper(): parameters.strip() for keyword, _, parameters in pairs if keyword})
