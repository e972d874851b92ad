"""Whatever comes in, however it is cut: the same dialog, and no error but those that are named."""

from contextlib import suppress
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from percorso.core.mail.address import parse_address
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.smtp.client import ClientSession
from percorso.core.smtp.errors import RemoteProtocolError
from percorso.core.smtp.events import Closed, Content, MessageReceived
from percorso.core.smtp.extensions import Limits
from percorso.core.smtp.result import TransactionResult
from percorso.core.smtp.server import ServerSession
from percorso.core.smtp.transaction import Transaction

WORDS = st.sampled_from(
    [
        b"EHLO client.test\r\n", b"HELO client.test\r\n", b"MAIL FROM:<a@corp.test>\r\n", b"MAIL FROM:<> SIZE=10\r\n",
        b"RCPT TO:<b@dest.test>\r\n", b"RCPT TO:<>\r\n", b"DATA\r\n", b"DATA\r\n", b".\r\n", b".\r\n", b"RSET\r\n",
        b"NOOP\r\n", b"VRFY x\r\n", b"QUIT\r\n", b"text\r\n", b"..\r\n", b"\n", b"\r", b".", b"\r\n", b"x" * 50,
    ]
)  # fmt: skip
COMMANDS = st.lists(st.one_of(WORDS, WORDS, WORDS, st.binary(max_size=5)), max_size=25).map(b"".join)
CUTS = st.lists(st.integers(0, 500), max_size=6)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def served(chunks: list[bytes]) -> tuple[bytes, list[tuple[MessageReceived, bytes]], bool]:
    """What a server says to this, which messages it takes, and whether it closes."""
    session = ServerSession(hostname="mx.test", limits=Limits(size=60, line=40, command=45, errors=8, recipients=2))
    said, messages, content, closed = b"", list[tuple[MessageReceived, bytes]](), b"", False
    for chunk in chunks:
        session.receive_data(chunk)
        while (event := session.next_event()) is not None:
            match event:
                case Content(data):
                    content += data
                case MessageReceived():
                    messages.append((event, content))
                    session.answer(Reply(code=250, text="kept"))
                    content = b""
                case Closed():
                    closed = True
                case _:
                    content = b""
        said += session.data_to_send()
    return said, messages, closed


@given(COMMANDS, CUTS)
def test_server_says_the_same_however_it_is_told(data: bytes, cuts: list[int]) -> None:
    whole = served([data])
    assert served(pieces(data, cuts)) == whole
    assert served([data[i : i + 1] for i in range(len(data))]) == whole
    said, messages, _closed = whole
    assert all(line[:3].isdigit() for line in said.splitlines())
    for _message, content in messages:
        assert b"\r\n.\r\n" not in b"\r\n" + content
        assert content.count(b"\r\n") == content.count(b"\r") == content.count(b"\n")


REPLIES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"220 hi\r\n", b"250 ok\r\n", b"250-mx\r\n250 PIPELINING\r\n", b"250-mx\r\n250 SIZE 5\r\n",
                b"354 go\r\n", b"550 no\r\n", b"451 4.3.0 later\r\n", b"421 bye\r\n", b"250-", b"\r\n", b"\n",
            ]
        ),
        st.binary(max_size=5),
    ),
    max_size=20,
)  # fmt: skip


@given(REPLIES)
def test_client_survives_any_server(replies: list[bytes]) -> None:
    """It ends each operation with one result, or with a `RemoteProtocolError`; and the dot is never sent unasked."""
    session = ClientSession()
    session.hello("client.test", allow_helo=True)
    sent = b""
    with suppress(RemoteProtocolError):
        for data in replies:
            session.receive_data(data)
            while part := session.data_to_send():
                sent += part
            result = session.next_result()
            if isinstance(result, TransactionResult):
                assert len(result.answers) == 2
                assert None not in result.answers
                assert not result.uncertain
            if result is not None and session.reusable and session.capabilities.keywords:
                session.send(transaction())
    known = session.abort()
    assert known is None or len(known.answers) == 2
    assert (b"text" in sent) <= any(b"354" in reply for reply in replies)


def transaction() -> Transaction:
    return Transaction(
        envelope=Envelope(sender=None),
        recipients=tuple(EnvelopeRecipient(address=parse_address(one)) for one in ("b@dest.test", "c@dest.test")),
        size=6,
        content=[b"text\r\n"],
    )
