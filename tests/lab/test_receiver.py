"""The trial's servers have the faults that they are meant to have, and note down what they see."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from percorso.lab.receiver import Notebook, SeenEnvelope, SeenMessage, listen
from percorso.lab.scenery import Scenery, build


class World:
    """Scenery, notebook and port."""

    def __init__(self, scenery: Scenery, notebook: Notebook, port: int) -> None:
        self.scenery = scenery
        self.notebook = notebook
        self.port = port

    async def send(self, server: str, *, tls: bool = True, verify: bool = True, recipient: str = "b@x.test") -> None:
        """Hand one message over, as a stranger would."""
        address = self.scenery.zone[server, "A"][0]
        await asyncio.to_thread(self._send, server, address, recipient, tls=tls, verify=verify)

    def _send(self, server: str, address: str, recipient: str, *, tls: bool, verify: bool) -> None:
        message = EmailMessage()
        message["X-Trial"] = "open.corp.test/x.test"
        message.set_content("hello")
        context = ssl.create_default_context(cafile=self.scenery.ca_file)
        if not verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP(address, self.port, timeout=10) as client:
            client._host = server  # type: ignore[attr-defined]  # the name that the certificate must have
            if tls:
                client.starttls(context=context)
            client.send_message(message, "a@open.corp.test", [recipient])


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    scenery, notebook = build(tmp_path, senders=("open.corp.test",)), Notebook()
    port, servers = await listen(scenery.servers, notebook)
    yield World(scenery, notebook, port)
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_a_good_server_takes_mail_over_tls(world: World) -> None:
    await world.send("mx.good.test")
    taken = SeenMessage(server="mx.good.test", sender="a@open.corp.test", trial="open.corp.test/x.test", encrypted=True)
    assert world.notebook.messages == [taken]
    assert world.notebook.envelopes == [SeenEnvelope(server=taken.server, sender=taken.sender, encrypted=True)]


async def test_plaintext_is_noted_as_such(world: World) -> None:
    await world.send("mx.notls.test", tls=False)
    assert [seen.encrypted for seen in world.notebook.messages] == [False]
    assert [seen.encrypted for seen in world.notebook.envelopes] == [False]


@pytest.mark.parametrize("name", ["selfsigned", "expired", "wrongname"])
async def test_a_bad_certificate_is_bad(world: World, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await world.send(f"mx.{name}.test")
    assert world.notebook.envelopes == []
    await world.send(f"mx.{name}.test", verify=False)
    assert len(world.notebook.messages) == 1


async def test_no_starttls(world: World) -> None:
    with pytest.raises(smtplib.SMTPNotSupportedError):
        await world.send("mx.notls.test")


async def test_starttls_refused(world: World) -> None:
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        await world.send("mx.refused.test")
    assert refused.value.smtp_code == 454
    await world.send("mx.refused.test", tls=False)
    assert len(world.notebook.messages) == 1


async def test_handshake_dropped(world: World) -> None:
    with pytest.raises((ssl.SSLError, OSError)) as dropped:
        await world.send("mx.dropped.test")
    assert not isinstance(dropped.value, smtplib.SMTPResponseException)
    await world.send("mx.dropped.test", tls=False)
    assert len(world.notebook.messages) == 1


@pytest.mark.parametrize(("server", "code"), [("mx.busy.test", 450), ("mx.unknown.test", 550)])
async def test_recipients_refused(world: World, server: str, code: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await world.send(server)
    assert refused.value.recipients["b@x.test"][0] == code
    assert world.notebook.messages == []


async def test_nobody_listens_at_the_dead_one(world: World) -> None:
    with pytest.raises(ConnectionRefusedError):
        await world.send("mx.dead.test")
