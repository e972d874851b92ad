"""A change of settings reaches the mail that waits: a repaired route at once, a weaker requirement only when asked."""

import asyncio
import datetime
import smtplib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from percorso.lab.certificates import Authority
from percorso.lab.dns_server import DnsServer
from percorso.lab.node import Node, NodePlan
from percorso.lab.receiver import Notebook, ServerPlan, StartTlsFault, listen
from percorso.net.tls.contexts import server_context

SOON = 2.0  # seconds that a change of settings may take to reach what waits
LAX = '[organization]\ndomains = ["corp.test"]\n'
STRICT = LAX + '[[tls_compliance]]\nname = "All"\nall = true\n'
ROUTE = """
[[host]]
name = "encryptor"
primary = [{{ address = "gw.corp.test", port = {port} }}]

[[alternate_secure_route]]
host = "encryptor"
"""
ZONE = {
    ("bank.test", "MX"): ("10 mx.bank.test.",),
    ("mx.bank.test", "A"): ("127.0.54.1",),
    ("gw.corp.test", "A"): ("127.0.54.2",),
}


class World:
    """A node, a server of bank.test without STARTTLS, and an alternate host."""

    def __init__(self, node: Node, port: int, seen: Notebook) -> None:
        self.node = node
        self.port = port
        self.seen = seen

    async def apply(self, text: str, *options: str) -> str:
        file = self.node.config.parent / "settings.toml"
        file.write_text(text)
        return await self.verb("settings", "apply", str(file), *options)

    async def verb(self, *arguments: str) -> str:
        return await asyncio.to_thread(self.node.run_verb, *arguments)

    async def send(self) -> None:
        def submit() -> None:
            with smtplib.SMTP("127.0.0.1", self.node.port, timeout=10) as client:
                client.sendmail("a@corp.test", ["bob@bank.test"], "Subject: hello\r\n\r\nX-Trial: 1\r\n")

        await asyncio.to_thread(submit)

    async def waits(self, words: str, *options: str) -> None:
        while words not in await self.verb("queue", "list", *options):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.1)


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    authority = Authority(folder, now=datetime.datetime.now(datetime.UTC))
    pair = authority.issue("gw.corp.test")
    context = server_context(pair.certificate, pair.key)
    plans = [
        ServerPlan(name="mx.bank.test", address="127.0.54.1", context=context, starttls=StartTlsFault.ABSENT),
        ServerPlan(name="gw.corp.test", address="127.0.54.2", context=context),
    ]
    seen = Notebook()
    async with AsyncExitStack() as stack:
        port, servers = await listen(plans, seen)
        for server in servers:
            stack.callback(server.close)
        dns = DnsServer(ZONE)
        dns_port = await dns.start()
        stack.push_async_callback(dns.stop)
        node = Node(
            NodePlan(folder=folder, ca_file=authority.ca_file, dns_port=dns_port, delivery_port=port, settings=STRICT)
        )
        stack.push_async_callback(asyncio.to_thread, node.stop)
        await asyncio.to_thread(node.start)
        yield World(node, port, seen)


async def comes_to_be(condition: Callable[[], object], *, within: float) -> float:
    """The seconds until it is so."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + within
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def test_a_route_takes_the_mail_that_waits_for_tls_within_two_seconds(tmp_path: Path) -> None:
    async with asyncio.timeout(60), world(tmp_path) as scene:
        await scene.send()
        await scene.waits("starttls-not-supported")
        await scene.apply(STRICT + ROUTE.format(port=scene.port))
        await comes_to_be(lambda: scene.seen.messages, within=SOON)
        (message,) = scene.seen.messages
        assert (message.server, message.encrypted) == ("gw.corp.test", True)
        assert "bank.test" not in await scene.verb("queue", "list")


async def test_a_weaker_requirement_needs_to_be_asked_for(tmp_path: Path) -> None:
    async with asyncio.timeout(60), world(tmp_path) as scene:
        await scene.send()
        await scene.waits("starttls-not-supported")
        assert "1 recipient in the queue keeps a stricter requirement" in await scene.apply(LAX)
        await scene.waits('"attempts": 2', "--json")  # it is tried again, and still waits
        assert scene.seen.envelopes == []
        told = await scene.apply(LAX, "--relax-queued")
        assert "bob@bank.test" in told
        await comes_to_be(lambda: scene.seen.messages, within=SOON)
        assert not scene.seen.messages[0].encrypted
        assert "bob@bank.test" in await scene.verb("audit", "list", "--json")
