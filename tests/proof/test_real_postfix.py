"""Delivery to a real Postfix over real sockets: what our evidence says is what Postfix saw."""

import asyncio
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme

from percorso.core.delivery.outcome import Status
from percorso.net.dialer import SocketDialer
from percorso.net.tls.contexts import ClientContexts
from percorso.net.tls.facts import HandshakeReader
from percorso.net.tls.trust import Trust
from percorso.ports.queue import RecipientResult
from percorso.processes.clock import SystemClock
from tests.network.names import Names
from tests.peers import requires_peer
from tests.proof.scenery import settings
from tests.proof.settings_in_memory import document
from tests.proof.site import Site, Surroundings
from tests.real_peers.arrived import Arrived
from tests.real_peers.foreground import wait_until
from tests.real_peers.postfix import PostfixInstance

pytestmark = requires_peer("postfix")

BOB = "bob@bank.test"
EVE = "eve@shop.test"
MX = "mx.test"
GATEWAY = "gw.corp.test"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def chain_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "chain.pem"
    path.write_bytes(authority.issue_cert(MX, GATEWAY).private_key_and_cert_chain_pem.bytes())
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def encrypting(chain_file: Path) -> Iterator[PostfixInstance]:
    with PostfixInstance(domains=["bank.test", "shop.test"], hostname=MX, chain_file=chain_file) as running:
        yield running


@pytest.fixture(scope="module")
def plain() -> Iterator[PostfixInstance]:
    with PostfixInstance(domains=["bank.test", "shop.test"], hostname=MX) as running:
        yield running


class Gateway:
    """Our delivery on real sockets; names come from memory. `direct` serves all domains, `host` is the alternate."""

    def __init__(self, authority: trustme.CA, folder: Path, direct: PostfixInstance, host: PostfixInstance) -> None:
        roots = folder / "roots.pem"
        authority.cert_pem.write_to_path(str(roots))
        self._names = Names()
        for domain in ("bank.test", "shop.test"):
            self._names.mx(domain, (10, MX))
        self._names.host(MX, direct.host)
        self._names.host(GATEWAY, host.host)
        clock = SystemClock()
        reader = HandshakeReader(Trust(str(roots)))
        dialer = SocketDialer(contexts=ClientContexts(), reader=reader, clock=clock)
        self._outside = Surroundings(dialer, self._names, clock, direct.port)
        self._port = host.port

    def answer_for(self, domain: str) -> None:
        """One more domain whose server is the direct one."""
        self._names.mx(domain, (10, MX))

    async def deliver(self, recipient: str, *, when: str = "", **more: object) -> RecipientResult:
        """Deliver one message under settings with this meaning of the alternate route."""
        text = settings(when).replace(f'address = "{GATEWAY}"', f'address = "{GATEWAY}", port = {self._port}')
        site = Site(document(text), outside=self._outside)
        await site.submit(recipient, **more)  # type: ignore[arg-type]
        async with asyncio.timeout(20):
            await site.run()
        await site.close()
        return site.ledger.last(recipient)


@pytest.fixture
def serve(authority: trustme.CA, tmp_path: Path) -> Callable[[PostfixInstance, PostfixInstance], Gateway]:
    return lambda direct, host: Gateway(authority, tmp_path, direct, host)


Serve = Callable[[PostfixInstance, PostfixInstance], Gateway]


def arrived(postfix: PostfixInstance, body: str) -> Arrived:
    """The one message with this text; others may be of other tests."""

    def found() -> list[Arrived]:
        return [copy for copy in postfix.arrived() if body.encode() in copy.raw]

    wait_until(lambda: bool(found()), 20)
    (copy,) = found()
    return copy


async def test_required_goes_direct_over_tls(serve: Serve, encrypting: PostfixInstance) -> None:
    result = await serve(encrypting, encrypting).deliver(BOB, body="Message one.")
    evidence = result.evidence
    assert (result.status, evidence.route, evidence.secure) == (Status.DELIVERED, "direct", True)
    assert (evidence.tls.trusted, evidence.tls.name_matches) == (True, True)
    assert arrived(encrypting, "Message one.").tls == f"TLSv{evidence.tls.version}"


async def test_opportunistic_goes_in_plaintext_where_there_is_no_tls(serve: Serve, plain: PostfixInstance) -> None:
    result = await serve(plain, plain).deliver(EVE, body="Message two.")
    assert (result.status, result.evidence.secure, result.evidence.tls.version) == (Status.DELIVERED, False, "")
    assert arrived(plain, "Message two.").tls is None


async def test_required_waits_where_there_is_no_tls(serve: Serve, plain: PostfixInstance) -> None:
    result = await serve(plain, plain).deliver(BOB, body="Message three.")
    assert (result.status, result.evidence.failure) == (Status.DEFERRED, "starttls-not-supported")
    assert not [copy for copy in plain.arrived() if b"Message three." in copy.raw]


@pytest.mark.parametrize("when", ["required", "on-failure"])
async def test_postfix_as_alternate_host(
    serve: Serve, plain: PostfixInstance, encrypting: PostfixInstance, when: str
) -> None:
    result = await serve(plain, encrypting).deliver(BOB, when=when, body=f"Over the host when {when}.")
    evidence = result.evidence
    assert (result.status, evidence.route, evidence.alternate) == (Status.DELIVERED, "host encryptor", True)
    assert [tried.failure for tried in evidence.tried] == (["starttls-not-supported"] if when == "on-failure" else [])
    assert arrived(encrypting, f"Over the host when {when}.").tls == f"TLSv{evidence.tls.version}"
    assert not [copy for copy in plain.arrived() if b"Over the host" in copy.raw]


async def test_a_long_message_arrives_whole(serve: Serve, encrypting: PostfixInstance) -> None:
    lines = "\r\n".join([f".line {number}" for number in range(60_000)]).replace("\r\n.", "\r\n..")
    result = await serve(encrypting, encrypting).deliver(BOB, body="Message four.\r\n" + lines[1:])
    assert result.status is Status.DELIVERED
    text = arrived(encrypting, "Message four.").raw.partition(b"Message four.")[2]
    assert text.splitlines()[2:] == [f".line {number}".encode() for number in range(1, 60_000)]


async def test_an_unknown_domain_is_refused_by_postfix_and_told(serve: Serve, encrypting: PostfixInstance) -> None:
    gateway = serve(encrypting, encrypting)
    gateway.answer_for("elsewhere.test")
    result = await gateway.deliver("eve@elsewhere.test")
    assert (result.status, result.reply.code) == (Status.FAILED, 554)
    assert "Relay access denied" in result.parties.reply


async def test_postfix_takes_a_notice_and_everybody_can_read_it(serve: Serve, encrypting: PostfixInstance) -> None:
    gateway = serve(encrypting, encrypting)
    gateway.answer_for("elsewhere.test")
    title = "Preventivo per Müller, notice one"
    await gateway.deliver("eve@elsewhere.test", sender="ann@shop.test", subject=title)
    notice = arrived(encrypting, "notice one")
    assert (notice.sender, notice.recipient) == ("", "ann@shop.test")
    message = notice.message
    assert not message.defects
    text, status, head = message.iter_parts()
    assert not any(part.defects for part in (text, status, head))
    said = " ".join(text.get_content().split())
    for words in (f"“{title}”", f"«{title}»", "eve@elsewhere.test", "Relay access denied"):
        assert words in said
    per_message, per_recipient = (block for block in status.get_payload() if isinstance(block, EmailMessage))
    assert per_message["Reporting-MTA"] == "dns; mta.corp.test"
    assert (per_recipient["Action"], per_recipient["Final-Recipient"]) == ("failed", "rfc822; eve@elsewhere.test")
    assert "Hello." not in notice.raw.decode()
