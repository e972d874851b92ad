"""The snippets of docs/upstreams.md, word for word in real mail servers that hand their mail to a real node.

Only what a test cannot have is put in their place: the node's name, and the CA that signed its certificate.
"""

import asyncio
import re
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from percorso.lab.dns_server import DnsServer
from percorso.lab.node import Node, NodePlan
from tests.peers import requires_peer
from tests.real_peers.exim import EximInstance
from tests.real_peers.postfix import PostfixInstance
from tests.real_peers.receiver import Receiver

PAGE = Path(__file__).parent.parent.parent / "docs/upstreams.md"
SETTINGS = '[organization]\ndomains = ["corp.test"]\n'
NAME = "percorso.corp.test"
MESSAGE = "From: anna@corp.test\r\nTo: bob@bank.test\r\nSubject: over the gateway\r\n\r\nHello\r\n"


def snippet(title: str) -> str:
    """The block below the comment with this title."""
    found = re.search(rf"<!-- {title} -->\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"docs/upstreams.md has no block {title!r}"
    return found[1]


def main_cf(port: int) -> dict[str, str]:
    """The snippet of main.cf as settings."""
    lines = [line for line in snippet("main.cf").splitlines() if line and not line.startswith("#")]
    settings = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    assert settings["relayhost"] == f"[{NAME}]:25"
    return settings | {"relayhost": f"[127.0.0.1]:{port}"}


class EximUpstream(EximInstance):
    """An Exim of the organization's, with both blocks where the page says that they go."""

    def __init__(self, port: int, certificate: Path) -> None:
        super().__init__(domains=["corp.test"], hostname="mail.corp.test", settings={"acl_smtp_rcpt": "accept"})
        self._port = port
        self._certificate = certificate

    def _write_configuration(self) -> None:
        super()._write_configuration()
        certificate = self.directory / "node.pem"
        certificate.write_bytes(self._certificate.read_bytes())
        router = snippet("exim routers")
        assert f"{NAME}::25 " in router
        router = router.replace(f"{NAME}::25", f"127.0.0.1::{self._port}")
        transport = snippet("exim transports").replace("= system", f"= {certificate}")
        transport += f"  tls_verify_cert_hostnames =\n  port = {self._port}\n"
        file = self.directory / "exim.conf"
        text = file.read_text().replace("domainlist ours", "domainlist local_domains = +ours\ndomainlist ours")
        text = text.replace("begin routers\n", f"begin routers\n{router}")
        file.write_text(text.replace("begin transports\n", f"begin transports\n{transport}"))


@asynccontextmanager
async def gateway(folder: Path, receiver: Receiver, ca_file: Path) -> AsyncIterator[Node]:
    """A running node that finds bank.test at the receiver."""
    dns = DnsServer({("bank.test", "MX"): ("10 mx.test.",), ("mx.test", "A"): (receiver.host,)})
    plan = NodePlan(
        folder=folder, ca_file=ca_file, dns_port=await dns.start(), delivery_port=receiver.port, settings=SETTINGS
    )
    node = Node(plan)
    try:
        await asyncio.to_thread(node.start)
        yield node
    finally:
        await asyncio.to_thread(node.stop)
        await dns.stop()


def hand_in(server: Receiver) -> None:
    with smtplib.SMTP(server.host, server.port, timeout=20) as smtp:
        smtp.sendmail("anna@corp.test", ["bob@bank.test"], MESSAGE)


async def deliver(folder: Path, chain_file: Path, ca_file: Path, upstream: Callable[[Node], Receiver]) -> None:
    """From the upstream over the node to the receiver, encrypted all the way."""
    with PostfixInstance(domains=["bank.test"], chain_file=chain_file) as receiver:
        async with gateway(folder, receiver, ca_file) as node:
            with upstream(node) as server:
                await asyncio.to_thread(hand_in, server)
                try:
                    (arrived,) = await asyncio.to_thread(receiver.wait_for, 1)
                except Exception as error:
                    error.add_note(server.log())
                    error.add_note(node.log.read_text())
                    raise
    last, first, *_ = [" ".join(field.split()) for field in arrived.message.get_all("Received", [])]
    assert arrived.sender == "anna@corp.test"
    assert arrived.tls == "TLSv1.3"
    assert last.startswith("from gateway.corp.test ")
    assert " by gateway.corp.test " in first
    assert "ESMTPS" in first


@pytest.fixture
def ca_file(tmp_path: Path, authority: trustme.CA) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@requires_peer("postfix")
async def test_postfix_hands_its_mail_over(tmp_path: Path, chain_file: Path, ca_file: Path) -> None:
    def upstream(node: Node) -> Receiver:
        sends = {"default_transport": "smtp", "smtpd_relay_restrictions": "permit_mynetworks, reject"}
        return PostfixInstance(domains=["corp.test"], hostname="mail.corp.test", settings=sends | main_cf(node.port))

    await deliver(tmp_path, chain_file, ca_file, upstream)


@requires_peer("postfix")
@requires_peer("exim")
async def test_exim_hands_its_mail_over(tmp_path: Path, chain_file: Path, ca_file: Path) -> None:
    def upstream(node: Node) -> Receiver:
        return EximUpstream(node.port, node.data_dir / "tls" / "self-signed.pem")

    await deliver(tmp_path, chain_file, ca_file, upstream)
