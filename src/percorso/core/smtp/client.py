"""The client's side of an SMTP connection, without the connection (RFC 5321, 2920, 3207).

The rules:

1. Ask for one operation at a time: `hello`, `starttls`, `send`, `reset`, `quit`. Each ends in one result, which
   `next_result` gives once.
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

In an `asyncio.Protocol` the same loop runs in `data_received` and `resume_writing`, without the awaits: pull
`data_to_send` while writing is not paused, and look at `next_result` after `receive_data`.
"""

from collections.abc import Iterable

import msgspec

from percorso.core.mail.envelope import Envelope, EnvelopeRecipient
from percorso.core.smtp.result import Answer, Capabilities, Stage, TransactionResult


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One message to hand over.

    `content` is the message in wire form (lines end in CRLF, leading dots doubled, no final dot), in chunks; it is
    iterated once, lazily, as the wire takes it. `size` is its octets, for SIZE (RFC 1870).
    """

    envelope: Envelope
    recipients: tuple[EnvelopeRecipient, ...]
    size: int
    content: Iterable[bytes]


Result = Answer | TransactionResult


class ClientSession:
    """One connection's dialog, seen from the client."""

    @property
    def capabilities(self) -> Capabilities:
        """What the last EHLO answered; empty before it, after HELO, and after `tls_established`."""
        raise NotImplementedError

    @property
    def stage(self) -> Stage:
        """What the session now waits for an answer to."""
        raise NotImplementedError

    @property
    def timeout(self) -> float:
        """Seconds that RFC 5321, 4.5.3.2 gives the peer (or the write, in the content) at this stage."""
        raise NotImplementedError

    @property
    def dot_sent(self) -> bool:
        """Whether the running transaction's final dot has been handed out and is not yet answered."""
        raise NotImplementedError

    @property
    def reusable(self) -> bool:
        """Whether nothing runs and another operation may begin: no 421, no unasked-for input, not closed."""
        raise NotImplementedError

    def hello(self, name: str, *, allow_helo: bool = False) -> None:
        """Await the greeting (the first time), then EHLO; HELO after a 5xx to EHLO only if allowed.

        Result: an `Answer` with stage `connect` (the greeting refused us), `ehlo` or `helo`.
        """
        raise NotImplementedError

    def starttls(self) -> None:
        """Ask for TLS. Result: an `Answer`, 220 when the handshake may begin.

        Anything behind the 220 in the same input raises `RemoteProtocolError` with `RESPONSE_INJECTION`.
        """
        raise NotImplementedError

    def tls_established(self) -> None:
        """The handshake is done: forget what was said in plaintext. Next is `hello`. For implicit TLS, not needed."""
        raise NotImplementedError

    def send(self, transaction: Transaction) -> None:
        """Hand over one message, pipelined where the peer offers it. Result: a `TransactionResult`.

        Needs that the peer lacks (8BITMIME, SMTPUTF8) give a result at once, without a byte on the wire.
        """
        raise NotImplementedError

    def reset(self) -> None:
        """RSET, also as a probe of an idle connection. Result: an `Answer`."""
        raise NotImplementedError

    def quit(self) -> None:
        """QUIT. Result: an `Answer`; then close."""
        raise NotImplementedError

    def data_to_send(self) -> bytes:
        """What to write now, or b"" when it is the peer's turn. In the content, one chunk for each call.

        An exception of the content's iterator comes through; close without sending more (no final dot was sent).
        """
        raise NotImplementedError

    def receive_data(self, data: bytes) -> None:
        """Take in what the peer sent; raises `RemoteProtocolError`."""
        raise NotImplementedError

    def next_result(self) -> Result | None:
        """The finished operation's result, once; None while it runs."""
        raise NotImplementedError

    def abort(self) -> TransactionResult | None:
        """The connection failed: what is known of the running transaction, None if there is none."""
        raise NotImplementedError
