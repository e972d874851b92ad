"""Submission over real sockets: who authenticates, as what they send, how much, and what cannot be done around it."""

import asyncio
import base64
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from percorso.config.schema import Configuration
from percorso.core.settings.rate import Rate
from percorso.net.listening import listen
from percorso.ports.accounts import Credentials, Verdict
from percorso.ports.queue import StoreError
from percorso.reception.listener import Listeners
from percorso.reception.submission import Submission
from tests.network.clock import VirtualClock
from tests.reception.dialog import WAIT, Dialog
from tests.reception.parts import SETTINGS, FixedSettings, HeldQueue, tls_contexts

ACCOUNTS = """
[[account]]
name = "anna"
unit = "/Finance"
addresses = ["anna@corp.test", "shop.corp.test"]

[[account]]
name = "scanner"
addresses = ["scanner@corp.test"]
rate = "2/1h"
"""


class Desk:
    """Both ports of submission: verdicts at once, or when told; rates in memory."""

    def __init__(self) -> None:
        self.at_once = True
        self.asked: list[Credentials] = []
        self.waiting: list[Callable[[Verdict], None]] = []
        self.arrived = asyncio.Event()
        self.taken: list[str] = []
        self.failure: StoreError | None = None

    def check(self, credentials: Credentials, done: Callable[[Verdict], None]) -> None:
        self.asked.append(credentials)
        if self.at_once:
            done(Verdict(right=credentials.password == "right password"))
        else:
            self.waiting.append(done)
            self.arrived.set()

    def take(self, account: str, rate: Rate, *, now: float) -> float:
        assert now
        if self.failure:
            raise self.failure
        if self.taken.count(account) == rate.count:
            return 1800.0
        self.taken.append(account)
        return 0.0


@asynccontextmanager
async def submitting(queue: HeldQueue, desk: Desk, *, tls: str = "starttls", **listener: Any) -> AsyncIterator[int]:
    """A submission listener, until the end of the block; its port."""
    given = {"address": "127.0.0.1:0", "role": "submission", "tls": tls, **listener}
    listeners = Listeners(
        Configuration.model_validate({"node": {"name": "mx.test"}, "listener": [given]}),
        tls=lambda: tls_contexts()[0],
        queue=queue,
        settings=FixedSettings(SETTINGS.replace('"corp.test"', '"corp.test", "shop.corp.test"', 1) + ACCOUNTS),
        clock=VirtualClock(),
        submission=Submission(authenticator=desk, rates=desk),
    )
    bound: list[socket.socket] = listen("127.0.0.1:0", count=1)
    port: int = bound[0].getsockname()[1]
    await listeners.start(bound)
    try:
        yield port
    finally:
        await listeners.stop(0.0)


@asynccontextmanager
async def secure(port: int) -> AsyncIterator[Dialog]:
    """A client, over TLS, after EHLO."""
    async with Dialog(port) as client:
        await client.reply()
        await client.ask("EHLO client.test")
        await client.ask("STARTTLS")
        await client.start_tls(tls_contexts()[1])
        await client.ask("EHLO client.test")
        yield client


def plain(account: str = "anna", *, right: bool = True) -> str:
    password = "right password" if right else "a guess"
    return "AUTH PLAIN " + base64.b64encode(f"\0{account}\0{password}".encode()).decode()


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_message_of_an_account(queue: HeldQueue, desk: Desk) -> None:
    async with submitting(queue, desk) as port, secure(port) as client:
        assert await client.ask(plain()) == "235 2.7.0 authenticated"
        assert await client.ask("MAIL FROM:<anna@corp.test>") == "250 2.1.0 sender OK"
        assert await client.ask("RCPT TO:<b@bank.test>") == "250 2.1.5 recipient OK"
        await client.ask("DATA")
        await client.say("Subject: hello\r\n\r\nHello.\r\n.\r\n")
        await asyncio.wait_for(queue.arrived.wait(), WAIT)
        queue.commit()
        assert (await client.reply()).startswith("250 2.0.0 queued")
    (message,) = queue.kept
    assert message.arrival.account == "anna"
    assert message.arrival.tls_version == "TLSv1.3"
    assert message.content.inline
    assert re.search(rb"\r\n\tby mx\.test with ESMTPSA\r\n", message.content.inline)
    assert desk.asked[0].client == "127.0.0.1"


async def test_every_network_is_served_unless_told(queue: HeldQueue, desk: Desk) -> None:
    assert Configuration.model_validate({"listener": [{"role": "submission"}]}).listener[0].networks == (
        "0.0.0.0/0",
        "::/0",
    )
    async with submitting(queue, desk, networks=["192.0.2.0/24"]) as port, Dialog(port) as client:
        assert (await client.reply()).startswith("554 5.7.1 ")


async def test_implicit_tls(queue: HeldQueue, desk: Desk) -> None:
    async with submitting(queue, desk, tls="implicit") as port, Dialog(port) as client:
        await client.start_tls(tls_contexts()[1])
        assert await client.reply() == "220 mx.test ESMTP"
        assert (await client.ask("EHLO client.test")).endswith("250 AUTH PLAIN LOGIN")
        assert (await client.ask(plain())).startswith("235 ")


async def test_no_password_is_looked_at_in_plaintext(queue: HeldQueue, desk: Desk) -> None:
    async with submitting(queue, desk) as port, Dialog(port) as client:
        await client.reply()
        assert "AUTH" not in await client.ask("EHLO client.test")
        assert (await client.ask(plain())).startswith("538 5.7.11 ")
        assert (await client.ask("MAIL FROM:<anna@corp.test>")).startswith("530 5.7.0 ")
    assert not desk.asked


async def test_without_an_account_nothing_is_taken(queue: HeldQueue, desk: Desk) -> None:
    async with submitting(queue, desk) as port, secure(port) as client:
        for sender in ("anna@corp.test", ""):
            assert (await client.ask(f"MAIL FROM:<{sender}>")).startswith("530 5.7.0 ")
        assert (await client.ask(plain(right=False))) == "535 5.7.8 the name or the password is wrong"
        assert (await client.ask("MAIL FROM:<anna@corp.test>")).startswith("530 5.7.0 ")


@pytest.mark.parametrize(
    ("sender", "reply"),
    [
        ("anna@corp.test", "250 2.1.0 "),
        ("Anna@CORP.test", "250 2.1.0 "),
        ("anybody@shop.corp.test", "250 2.1.0 "),
        ("", "250 2.1.0 "),  # receipts (RFC 8098, 3)
        ("boss@corp.test", "550 5.7.1 the account anna may not send as boss@corp.test; "),
        ("anna+tag@corp.test", "550 5.7.1 "),
        ("anna@sub.shop.corp.test", "550 5.7.1 "),
        ("anna@else.test", "550 5.7.1 "),
        ("scanner@corp.test", "550 5.7.1 "),
    ],
)
async def test_an_account_sends_as_what_it_is_granted(queue: HeldQueue, desk: Desk, sender: str, reply: str) -> None:
    async with submitting(queue, desk) as port, secure(port) as client:
        await client.ask(plain())
        assert (await client.ask(f"MAIL FROM:<{sender}>")).startswith(reply)


async def test_a_rate_says_when_to_try_again(queue: HeldQueue, desk: Desk) -> None:
    async with submitting(queue, desk) as port, secure(port) as client:
        await client.ask(plain("scanner"))
        assert (await client.ask("MAIL FROM:<other@corp.test>")).startswith("550 ")
        assert desk.taken == []
        for _ in range(2):
            assert (await client.ask("MAIL FROM:<scanner@corp.test>")).startswith("250 ")
            await client.ask("RSET")
        refused = await client.ask("MAIL FROM:<scanner@corp.test>")
        assert refused == "450 4.7.1 the account scanner has sent its 2/1h messages; try again in 30 minutes"
        desk.failure = StoreError("the disk is gone")
        assert (await client.ask("MAIL FROM:<scanner@corp.test>")).startswith("451 4.3.0 ")


async def test_an_account_removed_while_it_is_connected(queue: HeldQueue, desk: Desk) -> None:
    async with submitting(queue, desk) as port, secure(port) as client:
        await client.ask(plain("gone"))
        assert (await client.ask("MAIL FROM:<anna@corp.test>")) == "535 5.7.8 there is no account gone any more"


async def test_too_many_attempts(queue: HeldQueue, desk: Desk) -> None:
    desk.at_once = False
    async with submitting(queue, desk) as port, secure(port) as client:
        await client.say(plain() + "\r\n")
        await asyncio.wait_for(desk.arrived.wait(), WAIT)
        desk.waiting.pop()(Verdict(wait=42.3))
        assert await client.reply() == "454 4.7.0 too many attempts; try again in 43 seconds"


async def test_nothing_is_read_while_a_password_is_verified(queue: HeldQueue, desk: Desk) -> None:
    desk.at_once = False
    async with submitting(queue, desk) as port, secure(port) as client:
        await client.say(plain() + "\r\nMAIL FROM:<anna@corp.test>\r\n")
        await asyncio.wait_for(desk.arrived.wait(), WAIT)
        await client.say("NOOP\r\n" * 1000)
        for _ in range(20):
            await asyncio.sleep(0)
        assert client.unread == 0
        desk.waiting.pop()(Verdict(right=True))
        assert (await client.reply()).startswith("235 ")
        assert (await client.reply()).startswith("250 2.1.0 ")
        for _ in range(1000):
            assert (await client.reply()).startswith("250 2.0.0 ")


async def test_a_client_that_says_no_more_hears_its_verdict(queue: HeldQueue, desk: Desk) -> None:
    desk.at_once = False
    async with submitting(queue, desk) as port, secure(port) as client:
        await client.say(plain() + "\r\n")
        await asyncio.wait_for(desk.arrived.wait(), WAIT)
        client.half_close()
        for _ in range(100):
            await asyncio.sleep(0)  # the end of the input has come by then
        desk.waiting.pop()(Verdict(right=True))
        assert await client.reply() == "235 2.7.0 authenticated"


async def test_a_client_that_left_hears_no_verdict(queue: HeldQueue, desk: Desk) -> None:
    desk.at_once = False
    async with submitting(queue, desk) as port:
        async with secure(port) as client:
            await client.say(plain() + "\r\n")
            await asyncio.wait_for(desk.arrived.wait(), WAIT)
            client.drop()
        async with secure(port) as other:  # by then the first is seen to be gone
            await other.ask("NOOP")
            desk.waiting.pop()(Verdict(right=True))
            assert (await other.ask("MAIL FROM:<anna@corp.test>")).startswith("530 ")


async def test_a_stop_while_a_password_is_verified(queue: HeldQueue, desk: Desk) -> None:
    desk.at_once = False
    async with AsyncExitStack() as clients:
        async with submitting(queue, desk) as port:
            client = await clients.enter_async_context(secure(port))
            await client.say(plain() + "\r\n")
            await asyncio.wait_for(desk.arrived.wait(), WAIT)
        desk.waiting.pop()(Verdict(right=True))
        assert b"235" not in await client.rest()


async def test_starttls_injection_of_auth(queue: HeldQueue, desk: Desk) -> None:
    """What stands behind STARTTLS in plaintext is no command after it (CVE-2011-0411)."""
    async with submitting(queue, desk) as port, Dialog(port) as client:
        await client.reply()
        await client.ask("EHLO client.test")
        await client.say(f"STARTTLS\r\n{plain()}\r\n")
        assert (await client.reply()).startswith("554 5.5.1 ")
    assert not desk.asked


async def test_a_listener_without_accounts_is_not_opened(queue: HeldQueue) -> None:
    listeners = Listeners(
        Configuration.model_validate({"listener": [{"address": "127.0.0.1:0", "role": "submission"}]}),
        tls=lambda: tls_contexts()[0],
        queue=queue,
        settings=FixedSettings(),
        clock=VirtualClock(),
    )
    bound = listen("127.0.0.1:0", count=1)
    with pytest.raises(ValueError, match="there are no accounts"):
        await listeners.start(bound)
    bound[0].close()


async def test_foreign_senders_on_a_trusted_network(queue: HeldQueue, desk: Desk) -> None:
    async with submitting(queue, desk, role="relay", allow_foreign_senders=True) as port, Dialog(port) as client:
        await client.reply()
        await client.ask("EHLO client.test")
        assert (await client.ask("MAIL FROM:<somebody@else.test>")).startswith("250 ")
    async with submitting(queue, desk, role="relay") as port, Dialog(port) as client:
        await client.reply()
        await client.ask("EHLO client.test")
        assert (await client.ask("MAIL FROM:<somebody@else.test>")).startswith("550 5.7.1 ")
        assert (await client.ask(plain())).startswith("502 5.5.1 ")
