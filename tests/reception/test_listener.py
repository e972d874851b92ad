"""Listeners over real sockets: mail comes in, is kept, and only then acknowledged."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop

from percorso.core.tls.requirement import ENCRYPTED
from percorso.net.listening import listen
from percorso.ports.queue import NewMessage, StoreError
from percorso.reception import clients
from percorso.reception.connection import Connection
from percorso.reception.listener import Listeners
from tests.network.clock import VirtualClock
from tests.reception.dialog import WAIT, Dialog
from tests.reception.parts import FixedSettings, HeldQueue, configuration, tls_contexts


class Serving(Listeners):
    """Listeners on one ephemeral port, that tell when a connection is over."""

    port: int

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.someone_left = asyncio.Event()

    def _ended(self, connection: Connection) -> None:
        super()._ended(connection)
        self.someone_left.set()


@asynccontextmanager
async def serving(queue: HeldQueue, **options: Any) -> AsyncIterator[Serving]:
    """One listener, until the end of the block."""
    listeners = Serving(
        configuration(**options),
        tls=lambda: tls_contexts()[0],
        queue=queue,
        settings=FixedSettings(),
        clock=VirtualClock(),
    )
    bound: list[socket.socket] = listen("127.0.0.1:0", count=1)
    listeners.port = bound[0].getsockname()[1]
    await listeners.start(bound)
    try:
        yield listeners
    finally:
        await listeners.stop(0.0)


async def waiting(queue: HeldQueue) -> NewMessage:
    """The message that waits for the commit."""
    await asyncio.wait_for(queue.arrived.wait(), WAIT)
    return queue.waiting[0][0]


def content(message: NewMessage) -> bytes:
    assert message.content.inline is not None
    return message.content.inline


async def test_message_is_kept_before_it_is_acknowledged(queue: HeldQueue) -> None:
    async with serving(queue) as server, Dialog(server.port) as client:
        assert await client.reply() == "220 mx.test ESMTP"
        assert (await client.begin()).startswith("354 ")
        await client.say("Subject: hello\r\n\r\n..dot\r\n.\r\n")
        message = await waiting(queue)
        assert await client_is_silent(client)
        queue.commit()
        assert await client.reply() == f"250 2.0.0 queued as {message.id}"
        assert await client.ask("QUIT") == "221 2.0.0 bye"
        assert await client.rest() == b""
    assert str(message.envelope.sender) == "a@corp.test"
    assert [str(one.recipient.address) for one in message.recipients] == ["b@dest.test"]
    assert message.arrival.client == "127.0.0.1"
    assert message.arrival.helo == "client.test"
    assert message.arrival.tls_version == ""
    assert message.accepted_at == 1_800_000_000
    assert re.fullmatch(
        rb"Received: from client\.test \(\[127\.0\.0\.1\]\)\r\n\tby mx\.test with ESMTP\r\n"
        rb"\tid [0-9A-F]+; Fri, 15 Jan 2027 08:00:00 -0000\r\n"
        rb"Subject: hello\r\n\r\n\.\.dot\r\n",
        content(message),
    )
    assert message.id.encode() in content(message)


async def client_is_silent(client: Dialog) -> bool:
    """Whether nothing has come, after the server had its turns."""
    for _ in range(20):
        await asyncio.sleep(0)
    return client.unread == 0


@pytest.mark.parametrize(
    ("failure", "reply"),
    [(StoreError("no space", full=True), "452 4.3.1 "), (StoreError("it broke"), "451 4.3.0 ")],
)
async def test_failed_commit_is_a_refusal_for_now(queue: HeldQueue, failure: StoreError, reply: str) -> None:
    async with serving(queue) as server, Dialog(server.port) as client:
        await client.reply()
        await client.begin()
        await client.say("x\r\n.\r\n")
        await waiting(queue)
        queue.commit(failure)
        assert (await client.reply()).startswith(reply)
        assert (await client.ask("NOOP")).startswith("250 ")
    assert not queue.kept


async def test_starttls(queue: HeldQueue) -> None:
    await send_over_starttls(queue)


def test_starttls_on_uvloop(queue: HeldQueue) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(send_over_starttls(queue))


async def send_over_starttls(queue: HeldQueue) -> None:
    async with serving(queue) as server, Dialog(server.port) as client:
        await client.reply()
        assert "STARTTLS" in await client.ask("EHLO before.test")
        assert (await client.ask("STARTTLS")).startswith("220 ")
        await client.start_tls(tls_contexts()[1])
        assert (await client.ask("MAIL FROM:<a@corp.test>")).startswith("503 ")
        assert "STARTTLS" not in await client.ask("EHLO after.test")
        await client.begin()
        await client.say("Subject: x\r\n\r\n" + "x" * 70 + "\r\n.\r\n")
        message = await waiting(queue)
        queue.commit()
        assert (await client.reply()).startswith("250 2.0.0 queued as ")
        assert (await client.ask("QUIT")).startswith("221 ")
        assert await client.rest() == b""
    assert (message.arrival.tls_version, message.arrival.helo) == ("TLSv1.3", "client.test")
    assert message.arrival.tls_cipher.startswith("TLS_")
    assert b"with ESMTPS\r\n\t(TLSv1.3 with cipher TLS_" in content(message)


async def test_implicit_tls(queue: HeldQueue) -> None:
    async with serving(queue, tls="implicit") as server, Dialog(server.port) as client:
        await client.start_tls(tls_contexts()[1])
        assert await client.reply() == "220 mx.test ESMTP"
        assert "STARTTLS" not in await client.ask("EHLO client.test")
        await client.begin()
        await client.say("x\r\n.\r\n")
        message = await waiting(queue)
        queue.commit()
        assert (await client.reply()).startswith("250 2.0.0 ")
    assert message.arrival.tls_version == "TLSv1.3"


async def test_no_tls_offered_where_there_is_none(queue: HeldQueue) -> None:
    async with serving(queue, tls="none") as server, Dialog(server.port) as client:
        await client.reply()
        assert "STARTTLS" not in await client.ask("EHLO client.test")
        assert (await client.ask("STARTTLS")).startswith("502 5.5.1 ")


async def test_command_injection_before_tls(queue: HeldQueue) -> None:
    async with serving(queue) as server, Dialog(server.port) as client:
        await client.reply()
        await client.ask("EHLO client.test")
        await client.say("STARTTLS\r\nRSET\r\n")
        assert (await client.reply()).startswith("554 5.5.1 ")
        assert await client.rest() == b""


async def test_garbage_instead_of_a_handshake_ends_the_connection(queue: HeldQueue) -> None:
    async with serving(queue) as server, Dialog(server.port) as client:
        await client.reply()
        await client.ask("EHLO client.test")
        await client.ask("STARTTLS")
        await client.say("EHLO client.test\r\n" * 10)
        assert b"250" not in await client.rest()


async def test_foreign_networks_are_refused_at_once(queue: HeldQueue) -> None:
    async with serving(queue, networks=["127.0.0.2", "10.0.0.0/8"]) as server:
        async with Dialog(server.port) as client:
            assert (await client.reply()).startswith("554 5.7.1 ")
            assert await client.rest() == b""
        async with Dialog(server.port, source="127.0.0.2") as client:
            assert (await client.reply()).startswith("220 ")


async def test_foreign_network_hears_it_over_implicit_tls(queue: HeldQueue) -> None:
    async with serving(queue, tls="implicit", networks=[]) as server, Dialog(server.port) as client:
        await client.start_tls(tls_contexts()[1])
        assert (await client.reply()).startswith("554 5.7.1 ")


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_strangers_take_no_room(queue: HeldQueue, monkeypatch: pytest.MonkeyPatch, tls: str) -> None:
    monkeypatch.setattr(clients, "REFUSED_AT_ONCE", 2)
    async with serving(queue, tls=tls, networks=["127.0.0.2"]) as server:
        async with Dialog(server.port), Dialog(server.port), Dialog(server.port) as third:
            with suppress(ConnectionResetError):
                assert await third.rest() == b""
        async with Dialog(server.port, source="127.0.0.2") as friend:
            if tls == "implicit":
                await friend.start_tls(tls_contexts()[1])
            assert (await friend.reply()).startswith("220 ")
        async with Dialog(server.port) as later:
            if tls == "implicit":
                await later.start_tls(tls_contexts()[1])
            assert (await later.reply()).startswith("554 5.7.1 ")


async def test_too_many_connections_from_one_address(queue: HeldQueue) -> None:
    async with serving(queue, max_connections_per_client=1) as server:
        async with Dialog(server.port) as first:
            assert (await first.reply()).startswith("220 ")
            async with Dialog(server.port) as second:
                assert (await second.reply()).startswith("421 4.7.0 too many connections from your address")
            async with Dialog(server.port, source="127.0.0.2") as other:
                assert (await other.reply()).startswith("220 ")
            await first.ask("QUIT")
            assert await first.rest() == b""
            first.half_close()
        async with Dialog(server.port) as next_one:
            assert (await next_one.reply()).startswith("220 ")


async def test_too_many_connections(queue: HeldQueue) -> None:
    async with serving(queue, max_connections=1) as server, Dialog(server.port) as first:
        assert (await first.reply()).startswith("220 ")
        async with Dialog(server.port, source="127.0.0.2") as second:
            assert (await second.reply()).startswith("421 4.7.0 too many connections; ")
            assert await second.rest() == b""


async def test_only_own_senders(queue: HeldQueue) -> None:
    async with serving(queue) as server, Dialog(server.port) as client:
        await client.reply()
        await client.ask("EHLO client.test")
        refused = await client.ask("MAIL FROM:<a@other.test>")
        assert refused.startswith("550 5.7.1 other.test is not a domain of this organization; ")
        assert (await client.ask("MAIL FROM:<a@sub.corp.test>")).startswith("550 5.7.1 ")
        assert (await client.ask("MAIL FROM:<>")).startswith("250 ")
        await client.ask("RSET")
        assert (await client.ask("MAIL FROM:<x@finance.test>")).startswith("250 ")


async def test_requirement_is_kept_with_each_recipient(queue: HeldQueue) -> None:
    async with serving(queue) as server, Dialog(server.port) as client:
        await client.reply()
        await client.begin("MAIL FROM:<a@corp.test>\r\nRCPT TO:<b@dest.test>\r\nRCPT TO:<c@bank.test>\r\nDATA\r\n")
        await client.say("Subject: plain\r\n\r\n.\r\n")
        message = await waiting(queue)
        assert [one.kept.encrypted for one in message.recipients] == [False, True]
        queue.commit()
        await client.reply()
        await client.begin()
        await client.say("Subject: a [secure] one\r\n\r\n.\r\n")
        message = await waiting(queue)
        assert message.recipients[0].kept.covers(ENCRYPTED)


async def test_mail_loop(queue: HeldQueue) -> None:
    async with serving(queue) as server, Dialog(server.port) as client:
        await client.reply()
        await client.begin()
        await client.say("Received: x\r\n" * 51 + "\r\nbody\r\n.\r\n")
        assert (await client.reply()).startswith("554 5.4.6 ")
        assert (await client.ask("NOOP")).startswith("250 ")
    assert not queue.waiting


@pytest.mark.parametrize("tls", ["none", "implicit"])
async def test_large_message_streams_to_the_spool(queue: HeldQueue, tls: str, tmp_path: Path) -> None:
    body = b"".join(b"%070d\r\n" % number for number in range(20_000))
    async with serving(queue, tls=tls) as server, Dialog(server.port) as client:
        if tls == "implicit":
            await client.start_tls(tls_contexts()[1])
        await client.reply()
        await client.begin()
        await client.say(b"Subject: large\r\n\r\n")
        await client.say(body)
        await client.say(b".\r\n")
        message = await waiting(queue)
        queue.commit()
        assert (await client.reply()).startswith("250 2.0.0 ")
        assert message.content.inline is None
        stored = b"".join([chunk async for chunk in message.content.chunks()])
        assert stored.startswith(b"Received: from client.test ")
        assert stored.endswith(b"Subject: large\r\n\r\n" + body)
        assert message.content.size == len(stored)


async def test_message_over_the_size_leaves_no_trace(queue: HeldQueue) -> None:
    async with serving(queue, max_size=300_000) as server, Dialog(server.port) as client:
        await client.reply()
        await client.begin()
        await client.say((b"x" * 78 + b"\r\n") * 4_000)
        await client.say(b"QUIT\r\n.\r\n")
        assert (await client.reply()).startswith("552 5.3.4 ")
        assert (await client.ask("NOOP")).startswith("250 ")
        assert not queue.spooled()


async def test_lost_client_leaves_no_trace(queue: HeldQueue) -> None:
    async with serving(queue) as server, Dialog(server.port) as client:
        await client.reply()
        await client.begin()
        await client.say((b"x" * 78 + b"\r\n") * 5_000)
        await asyncio.wait_for(queue.spooling.wait(), WAIT)
        assert queue.spooled()
        client.drop()
        await asyncio.wait_for(server.someone_left.wait(), WAIT)
        assert not queue.spooled()
        assert not queue.waiting


async def test_half_closed_client_hears_its_answer(queue: HeldQueue) -> None:
    async with serving(queue) as server, Dialog(server.port) as client:
        await client.reply()
        await client.begin()
        await client.say("x\r\n.\r\n")
        client.half_close()
        await waiting(queue)
        assert await client_is_silent(client)
        queue.commit()
        assert (await client.reply()).startswith("250 2.0.0 ")
        assert await client.rest() == b""


async def test_stop_lets_messages_end(queue: HeldQueue) -> None:
    async with serving(queue) as server, Dialog(server.port) as idle, Dialog(server.port) as busy:
        await idle.reply()
        await busy.reply()
        await busy.begin()
        stopping = asyncio.create_task(server.stop(WAIT))
        assert (await idle.reply()).startswith("421 4.3.2 ")
        assert await idle.rest() == b""
        idle.half_close()
        await busy.say("x\r\n.\r\n")
        await waiting(queue)
        queue.commit()
        assert (await busy.reply()).startswith("250 2.0.0 ")
        assert (await busy.reply()).startswith("421 4.3.2 ")
        assert await busy.rest() == b""
        busy.half_close()
        await stopping
    assert len(queue.kept) == 1


async def test_stop_cuts_off_who_does_not_end(queue: HeldQueue) -> None:
    async with serving(queue) as server, Dialog(server.port) as client:
        await client.reply()
        await client.begin()
        await server.stop(0.01)
        with pytest.raises((EOFError, ConnectionError)):
            await client.reply()
