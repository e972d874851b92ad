"""One outbound connection: the dialog of `core.smtp.client` over a stream.

1. Nothing but `transact` sends an envelope, and it judges the connection first: every time, for every message.
2. Whatever breaks the dialog (closed, timed out, against the protocol) is `Lost`, with a reply of ours that says so.
3. From the final dot until its reply the end of the connection is `Uncertain`, whatever ended it, ourselves included.
4. A connection that broke is closed and of no more use.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from functools import cached_property

from percorso.core.delivery.outcome import Answered, TargetOutcome, Uncertain, Unmet, Unreachable
from percorso.core.evidence.record import TlsFacts
from percorso.core.evidence.tls import tls_facts
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.smtp.client import ClientSession, Result
from percorso.core.smtp.errors import RemoteProtocolError
from percorso.core.smtp.result import Answer, Stage, TransactionResult
from percorso.core.smtp.transaction import Transaction
from percorso.core.tls.handshake import Handshake
from percorso.core.tls.judge import judge
from percorso.core.tls.requirement import Requirement
from percorso.ports.dialer import ConnectFailed, Stream
from percorso.ports.queue import Content, StoreError


class Lost(Exception):
    """The connection failed; `reply` says how, as one of ours."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Stale(Exception):
    """A connection kept from an earlier message was dead before MAIL was answered: no fault of the target."""


class Connection:
    """An open connection, its TLS state, and what it has carried. `max_wait` limits each wait, in seconds."""

    def __init__(self, stream: Stream, where: str, *, max_wait: float) -> None:
        self.stream = stream
        self.session = ClientSession()
        self.handshake = Handshake()
        self.messages = 0  # handed over, or tried to
        self.reused = False
        self.idle_since = 0.0  # monotonic seconds
        self._where = where
        self._max_wait = max_wait
        self._chunks: AsyncIterator[bytes] | None = None  # of a spooled message
        self._unsent = 0  # octets of it
        self._replies = 1  # that the peer may take its time for, one after the other
        self._awaited: Stage | None = None
        self._until = 0.0  # the event loop's time at which what is awaited is late

    @cached_property
    def tls(self) -> TlsFacts:
        """What the evidence keeps of the handshake; asked for once the connection is open."""
        return tls_facts(self.handshake)

    async def ask(self) -> Result:
        """Run the operation that the session has begun to its result. Raises `Lost`."""
        session = self.session
        try:
            while (result := session.next_result()) is None:
                await self._advance(session)
        except ConnectFailed as error:
            raise Lost(self._said("4.4.2", error)) from error
        except RemoteProtocolError as error:
            raise Lost(self._said("4.5.0", error)) from error
        return result

    async def ask_simply(self) -> Answer:
        """`ask`, for what ends in one reply."""
        answer = await self.ask()
        if not isinstance(answer, Answer):
            raise TypeError(f"{answer!r} is the result of a transaction")
        return answer

    async def transact(
        self,
        requirement: Requirement,
        envelope: Envelope,
        recipients: tuple[EnvelopeRecipient, ...],
        content: Content,
    ) -> TargetOutcome:
        """Hand over one message, if this connection meets its requirement. Raises `Stale`."""
        if failure := judge(requirement, self.handshake).failure:
            return Unmet(failure=failure)
        inline = content.inline
        chunks = None if inline is None else (inline,)
        self._chunks = content.chunks() if inline is None else None
        self._unsent = content.size
        self._replies = len(recipients)
        self.messages += 1
        try:
            self.session.send(Transaction(envelope=envelope, recipients=recipients, size=content.size, content=chunks))
            result = await self.ask()
        except BaseException as error:
            return self._broken(error)
        finally:
            if isinstance(self._chunks, AsyncGenerator):
                await self._chunks.aclose()
        if not isinstance(result, TransactionResult):
            raise TypeError(f"{result!r} is not the result of a transaction")
        return self._told(result)

    def close(self) -> None:
        """Close at once."""
        self.session.abort()
        self.stream.close()

    async def _advance(self, session: ClientSession) -> None:
        """Write what is to be written, else read."""
        wait = min(session.timeout, self._max_wait)
        if data := session.data_to_send():
            self._awaited = None
            await self._write(data, wait)
        elif session.wants_content and self._chunks is not None:
            session.add_content(await self._next_chunk(self._chunks))
        elif data := await self.stream.read(timeout=self._left(wait)):
            session.receive_data(data)
        else:
            raise ConnectFailed("the server closed the connection")

    async def _write(self, data: bytes, wait: float) -> None:
        """A server that refuses in the middle says so and closes: what it said before we noticed is its answer.

        Only where it refuses: not all reached it, so that nothing else it says can be about the whole.
        """
        try:
            await self.stream.write(data, timeout=wait)
        except ConnectFailed as error:
            try:
                said = await self.stream.read(timeout=0.0)
            except ConnectFailed:
                said = b""
            if not said.startswith((b"4", b"5")):
                raise error from None
            self.session.receive_data(said)

    def _left(self, wait: float) -> float:
        """Seconds left for what is awaited: a peer that drips octets gains no time by each (RFC 5321, 4.5.3.2)."""
        now, stage = asyncio.get_running_loop().time(), self.session.stage
        if stage is not self._awaited:
            self._awaited = stage
            self._until = now + wait * (self._replies if stage is Stage.RCPT else 1)
        return max(0.0, self._until - now)

    async def _next_chunk(self, chunks: AsyncIterator[bytes]) -> bytes:
        """The next of a spooled message; one that lost its end is never handed over as if it were whole."""
        chunk = await anext(chunks, b"")
        self._unsent -= len(chunk)
        if not chunk and self._unsent:
            raise StoreError(f"{self._unsent} octets of the content are missing in the spool")
        return chunk

    def _said(self, enhanced: str, error: Exception) -> Reply:
        return Reply(code=451, enhanced=enhanced, text=f"{self._where}: {error}")

    def _told(self, result: TransactionResult) -> Answered | Unreachable:
        answers = [answer for answer in result.answers if answer is not None]
        theirs = [answer for answer in answers if not answer.local]
        if self.reused and theirs and all(_leaving(answer) for answer in theirs):
            self.close()
            raise Stale
        if len(answers) == len(result.answers):
            replies = tuple([answer.reply for answer in answers])
            return Answered(replies=replies, offers_dsn=self.session.capabilities.offers("DSN"))
        reply = Reply(code=451, enhanced="4.5.0", text=f"{self._where}: not every recipient was answered")
        return Unreachable(reply=reply, requirement_met=True)

    def _broken(self, error: BaseException) -> Answered | Unreachable | Uncertain:
        """What the end of the connection means for the message; what is not the peer's doing is raised again."""
        unanswered = self.session.stage in (Stage.RSET, Stage.MAIL)
        known = self.session.abort()
        self.stream.close()
        if known is not None and known.uncertain:
            return Uncertain(detail=str(error) or type(error).__name__)
        if not isinstance(error, Lost):
            raise error
        if self.reused and unanswered:
            raise Stale from error
        if known is not None and None not in known.answers:
            return self._told(known)
        return Unreachable(reply=error.reply, requirement_met=True)


def _leaving(answer: Answer) -> bool:
    """A 421 in place of the answer to MAIL: the server had closed the idle connection (RFC 5321, 3.8)."""
    return answer.reply.code == 421 and answer.stage in (Stage.RSET, Stage.MAIL)
