"""Attacks on either side, by name. Those that are dialogs are transcripts: smuggling_*, nested_mail, and others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.mail.address import Address
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.smtp.client import ClientSession
from percorso.core.smtp.errors import LocalProtocolError, Problem, RemoteProtocolError
from percorso.core.smtp.events import Closed, MessageReceived, StartTls
from percorso.core.smtp.extensions import Limits, Security
from percorso.core.smtp.result import Answer, TransactionResult
from percorso.core.smtp.server import ServerSession
from percorso.core.smtp.states import State
from percorso.core.smtp.transaction import Transaction

LIMITS = Limits()


def server(limits: Limits = LIMITS) -> ServerSession:
    """A session after EHLO."""
    session = ServerSession(hostname="mx.test", limits=limits, security=Security(starttls=True))
    session.greet()
    session.receive_data(b"EHLO client.test\r\n")
    assert session.next_event() is None
    session.data_to_send()
    return session


def client(capabilities: bytes = b"250-PIPELINING\r\n250-STARTTLS\r\n250-8BITMIME\r\n") -> ClientSession:
    """A session after EHLO."""
    session = ClientSession()
    session.hello("client.test")
    session.receive_data(b"220 mx.test\r\n")
    session.data_to_send()
    session.receive_data(b"250-mx.test\r\n" + capabilities + b"250 SMTPUTF8\r\n")
    assert session.next_result()
    return session


def message(*content: bytes, sender: Address | None = None, recipient: Address | None = None) -> Transaction:
    return Transaction(
        envelope=Envelope(sender=sender),
        recipients=(EnvelopeRecipient(address=recipient or Address(local="b", domain="dest.test")),),
        size=sum(map(len, content)),
        content=content,
    )


def in_content(*content: bytes) -> ClientSession:
    """A session that may send its content."""
    session = client()
    session.send(message(*content))
    session.data_to_send()
    session.receive_data(b"250 ok\r\n250 ok\r\n354 go\r\n")
    return session


def pull(session: ClientSession, sent: bytearray) -> None:
    """Take all that is to be sent, up to where it fails."""
    while data := session.data_to_send():
        sent += data


# Before TLS


def test_an_account_from_before_tls_is_none() -> None:
    """Nobody authenticates in plaintext; should it ever be otherwise, it does not outlast the handshake."""
    session = server()
    session.account = "anna"
    session.receive_data(b"STARTTLS\r\n")
    assert session.next_event() == StartTls()
    session.tls_established()
    assert session.account == ""


@pytest.mark.parametrize("behind", [b"EHLO x\r\n", b"R", b"\r\n", b"\x16\x03\x01"])
def test_command_injection_before_tls(behind: bytes) -> None:
    """CVE-2011-0411: not one octet behind STARTTLS is ever read as a command."""
    session = server()
    session.receive_data(b"STARTTLS\r\n" + behind)
    assert session.next_event() == Closed()
    assert session.data_to_send().startswith(b"554 5.5.1 ")
    assert session.state is State.CLOSED
    session.receive_data(b"NOOP\r\n")
    assert session.next_event() is None
    assert session.data_to_send() == b""


def test_command_injection_into_the_handshake() -> None:
    """What comes after the 220 belongs to the engine; a caller that gives it to the session made an error."""
    session = server()
    session.receive_data(b"STARTTLS\r\n")
    assert session.next_event() == StartTls()
    with pytest.raises(LocalProtocolError):
        session.receive_data(b"NOOP\r\n")
    session.tls_established()
    assert session.next_event() is None
    assert session.state is State.START


@pytest.mark.parametrize("behind", [b"250 ok\r\n", b"2", b"421 closing\r\n", b"\x16\x03\x03"])
@pytest.mark.parametrize("apart", [False, True])
def test_response_injection_before_tls(behind: bytes, apart: bool) -> None:
    """A reply in plaintext behind the 220 must not answer what is asked over TLS."""
    session = client()
    session.starttls()
    session.data_to_send()
    if apart:
        session.receive_data(b"220 go\r\n")
    with pytest.raises(RemoteProtocolError) as caught:
        session.receive_data(behind if apart else b"220 go\r\n" + behind)
    assert caught.value.problem is Problem.RESPONSE_INJECTION
    assert not session.reusable
    if not apart:
        assert session.next_result() is None
        with pytest.raises(LocalProtocolError):
            session.tls_established()


def test_response_injection_before_starttls() -> None:
    """A second reply behind that to EHLO is not taken for the answer to STARTTLS."""
    session = ClientSession()
    session.hello("client.test")
    session.receive_data(b"220 mx.test\r\n")
    session.receive_data(b"250-mx.test\r\n250 STARTTLS\r\n220 go\r\n")
    assert session.next_result()
    assert not session.reusable
    with pytest.raises(RemoteProtocolError) as caught:
        session.starttls()
    assert caught.value.problem is Problem.UNSOLICITED_REPLY
    assert session.data_to_send() == b""


def test_tls_that_was_not_agreed_on() -> None:
    with pytest.raises(LocalProtocolError):
        client().tls_established()
    with pytest.raises(LocalProtocolError):
        server().tls_established()


# Injection by values

BAD_TEXT = st.text(st.sampled_from("\r\n\0ab@ <>"), min_size=1).filter(lambda text: any(c in text for c in "\r\n\0"))


@given(BAD_TEXT)
def test_command_injection_by_an_address(text: str) -> None:
    for address in (Address(local=text, domain="dest.test"), Address(local="b", domain=text)):
        for transaction in (message(b"", sender=address), message(b"", recipient=address)):
            session = client()
            with pytest.raises(LocalProtocolError):
                session.send(transaction)
            assert session.data_to_send() == b""
            assert session.reusable


@pytest.mark.parametrize("domain", ["x> SIZE=1", "x y", "x>", "x<y", "è.test", ""])
def test_parameter_injection_by_a_domain(domain: str) -> None:
    with pytest.raises(LocalProtocolError):
        client().send(message(b"", recipient=Address(local="b", domain=domain)))


def test_parameter_injection_by_a_local_part_is_quoted() -> None:
    session = client()
    session.send(message(b"", sender=Address(local='b> SIZE=1 "', domain="corp.test")))
    assert session.data_to_send().startswith(b'MAIL FROM:<"b> SIZE=1 \\""@corp.test>\r\n')


@pytest.mark.parametrize("name", ["", "a b", "a\r\nMAIL", "a\0", "è.test", "\udcff"])
def test_command_injection_by_our_name(name: str) -> None:
    session = ClientSession()
    with pytest.raises(LocalProtocolError):
        session.hello(name)
    assert session.data_to_send() == b""


@pytest.mark.parametrize("sign", ["\r", "\n", "\0"])
def test_response_injection_by_a_reply_of_ours(sign: str) -> None:
    session = server()
    with pytest.raises(LocalProtocolError):
        session.close(Reply(code=550, text=f"no{sign}250 ok"))


# Smuggling


@pytest.mark.parametrize(
    "content",
    [
        [b"x\r\n.\r\nMAIL FROM:<ceo@corp.test>\r\n"],
        [b".\r\nMAIL FROM:<ceo@corp.test>\r\n"],
        [b"x\r\n", b".\r\nMAIL\r\n"],
        [b"x\r", b"\n.\r\nMAIL\r\n"],
        [b"x\r\n.", b"\r\nMAIL\r\n"],
        [b"x\r\n", b".", b"\r", b"\n", b"MAIL\r\n"],
    ],
)
def test_smuggling_out(content: list[bytes]) -> None:
    """Content that would end early never gets onto the wire, whatever the store gave us."""
    session = in_content(*content)
    sent = bytearray()
    with pytest.raises(LocalProtocolError):
        pull(session, sent)
    assert b"MAIL" not in sent
    assert b"\r\n.\r\n" not in b"\r\n" + sent
    assert not session.dot_sent


@pytest.mark.parametrize("content", [[b"x"], [b"x\r"], [b"x\n"], [b"x\r\n", b"y"]])
def test_content_without_a_line_end_cannot_hide_the_dot(content: list[bytes]) -> None:
    session = in_content(*content)
    with pytest.raises(LocalProtocolError):
        pull(session, bytearray())
    assert not session.dot_sent


# Floods


def test_ten_thousand_recipients() -> None:
    """A thousand are taken; the rest is refused, and a client that goes on is cut off."""
    session = server()
    recipients = b"".join(b"RCPT TO:<r%d@dest.test>\r\n" % number for number in range(10_000))
    session.receive_data(b"MAIL FROM:<a@corp.test>\r\n" + recipients)
    assert session.next_event() == Closed()
    replies = session.data_to_send().splitlines()
    codes = [reply[:9] for reply in replies[1:]]
    assert codes == [b"250 2.1.5"] * 1000 + [b"452 4.5.3"] * (1000 + LIMITS.errors + 1) + [b"421 4.7.0"]


def test_over_long_line_is_not_kept() -> None:
    session = server()
    for _ in range(100):
        session.receive_data(b"x" * 100_000)
        assert session.next_event() is None
        assert session.data_to_send() == b""
    session.receive_data(b"\r\nNOOP\r\n")
    assert session.next_event() is None
    assert session.data_to_send() == b"500 5.5.2 the command line is too long\r\n250 2.0.0 OK\r\n"


def test_input_behind_a_message_is_bounded() -> None:
    session = server(Limits(pending=1000))
    session.receive_data(b"MAIL FROM:<>\r\nRCPT TO:<b@dest.test>\r\nDATA\r\n.\r\n")
    assert isinstance(session.next_event(), MessageReceived)
    session.receive_data(b"NOOP\r\n" * 100)
    assert session.next_event() is None
    with pytest.raises(LocalProtocolError):
        session.receive_data(b"NOOP\r\n" * 100)


def test_two_megabytes_of_reply() -> None:
    session = client()
    session.send(message(b"x\r\n"))
    session.data_to_send()
    with pytest.raises(RemoteProtocolError) as caught:
        session.receive_data(b"250-" + b"x" * 2_000_000)
    assert caught.value.problem is Problem.REPLY_TOO_LONG
    assert session.abort() == TransactionResult(answers=(None,))


# Words out of turn


def test_reply_in_the_middle_of_the_content() -> None:
    """A refusal ends the transaction at once, without the final dot; an acceptance cannot be one."""
    session = in_content(b"one\r\n", b"two\r\n", b"three\r\n")
    assert session.data_to_send() == b"one\r\n"
    session.receive_data(b"451 4.3.0 enough\r\n")
    result = session.next_result()
    assert isinstance(result, TransactionResult)
    assert result.answers[0]
    assert result.answers[0].reply.code == 451
    assert session.data_to_send() == b""
    assert not session.reusable

    session = in_content(b"one\r\n", b"two\r\n")
    session.data_to_send()
    with pytest.raises(RemoteProtocolError) as caught:
        session.receive_data(b"250 queued\r\n")
    assert caught.value.problem is Problem.UNEXPECTED_REPLY
    assert session.abort() == TransactionResult(answers=(None,), uncertain=False)


def test_acceptance_is_believed_whatever_follows_it() -> None:
    """The 250 stands: to lose it would double the message. But the connection carries no other."""
    session = in_content(b"x\r\n")
    session.data_to_send()
    session.receive_data(b"250 queued\r\n550 and by the way\r\n")
    result = session.next_result()
    assert isinstance(result, TransactionResult)
    assert result.answers[0]
    assert result.answers[0].reply.positive
    assert not session.reusable
    with pytest.raises(RemoteProtocolError):
        session.send(message(b"x\r\n"))


def test_idle_server_that_talks() -> None:
    session = client()
    session.receive_data(b"421 4.4.2 idle\r\n")
    assert not session.reusable
    with pytest.raises(LocalProtocolError):
        session.quit()
    with pytest.raises(RemoteProtocolError) as caught:
        client().receive_data(b"250 hello?\r\n")
    assert caught.value.problem is Problem.UNSOLICITED_REPLY


def test_one_operation_at_a_time() -> None:
    session = client()
    session.reset()
    with pytest.raises(LocalProtocolError):
        session.quit()
    session.data_to_send()
    session.receive_data(b"250 ok\r\n")
    with pytest.raises(LocalProtocolError):
        session.quit()  # the result was not looked at
    assert isinstance(session.next_result(), Answer)
    session.quit()


def test_failing_source_of_content_sends_no_dot() -> None:
    def content() -> object:
        yield b"one\r\n"
        yield b"two\r\n"
        raise OSError("the disk is gone")

    session = client()
    whole = message(b"one\r\n")
    session.send(
        Transaction(envelope=whole.envelope, recipients=whole.recipients, size=9, content=content())  # type: ignore[arg-type]
    )
    session.data_to_send()
    session.receive_data(b"250 ok\r\n250 ok\r\n354 go\r\n")
    sent = bytearray()
    with pytest.raises(OSError, match="disk"):
        pull(session, sent)
    assert b"\r\n.\r\n" not in sent
    assert session.abort() == TransactionResult(answers=(None,), uncertain=False)
