"""One message handed in to a foreign server."""

import socket
import ssl
from collections.abc import Iterator
from email.policy import SMTP as SMTP_POLICY

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from percorso.operations.send import Parcel, SendFailed, compose, send


class Handler:
    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_RCPT(  # noqa: N802 (as aiosmtpd calls it)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        if address.startswith("unknown"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(envelope)
        return "250 2.0.0 taken as 4RtqVb0001k"


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def port(handler: Handler) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=number, tls_context=context)
    controller.start()
    yield number
    controller.stop()


def parcel(port: int, *recipients: str) -> Parcel:
    message = compose("anna@corp.test", recipients, "Grüße", "Text.")
    content = message.as_bytes(policy=SMTP_POLICY)
    return Parcel(host="127.0.0.1", port=port, sender="anna@corp.test", recipients=recipients, content=content)


def test_it_goes_over_tls_where_that_is_offered(port: int, handler: Handler) -> None:
    steps: list[str] = []
    receipt = send(parcel(port, "bob@bank.test"), steps.append)
    assert receipt.accepted
    assert receipt.reply == "250 2.0.0 taken as 4RtqVb0001k"
    assert receipt.tls.startswith("TLSv1.3 ")
    assert steps[:2] == [f"connecting to 127.0.0.1:{port}", "starting TLS"]
    (taken,) = handler.taken
    assert taken.rcpt_tos == ["bob@bank.test"]
    assert b"Subject: =?utf-8?" in (taken.original_content or b"")


def test_a_refused_recipient_is_told(port: int, handler: Handler) -> None:
    receipt = send(parcel(port, "unknown@bank.test", "bob@bank.test"), lambda _: None)
    assert receipt.accepted
    assert receipt.refused == {"unknown@bank.test": "550 5.1.1 no such user"}
    receipt = send(parcel(port, "unknown@bank.test"), lambda _: None)
    assert not receipt.accepted
    assert len(handler.taken) == 1


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = free.getsockname()[1]
    with pytest.raises(SendFailed, match=r"refused; is `percorso serve` running\?"):
        send(parcel(number, "bob@bank.test"), lambda _: None)
