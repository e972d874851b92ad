"""Signed mail, as the receiver verifies it: another implementation, with the public key from a DNS server."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable

import dkim
import dns.resolver
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from percorso.core.delivery.outcome import Status
from percorso.core.smtp.data import from_wire
from percorso.delivery.sign import Signed
from percorso.lab.dns_server import DnsServer
from tests.delivery.messages import MemoryContent
from tests.network.clock import VirtualClock
from tests.network.credential import GOOD
from tests.network.network import Network
from tests.network.peer import Peer
from tests.proof.scenery import settings
from tests.proof.settings_in_memory import document
from tests.proof.site import Site

BOB = "bob@bank.test"
DKIM = """
[[dkim]]
domain = "Corp.test"
selector = "autumn"
key_secret = "dkim"
"""
INBOUND = '[organization]\nname = "Corp"\ninbound_host = "encryptor"\n'


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SECRETS = {"dkim": pem(KEY)}


@pytest.fixture
async def dns_port() -> AsyncIterator[int]:
    """Of a server that knows the public key, in the pieces that a TXT record has (RFC 6376, 3.6.2.2)."""
    public = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    record = f'"v=DKIM1; k=rsa; p={public[:200]}" "{public[200:]}"'
    server = DnsServer({("autumn._domainkey.corp.test", "TXT"): (record,)})
    yield await server.start()
    await server.stop()


async def verifies(content: bytes, dns_port: int) -> bool:
    """Whether the signature on top of a message is good."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], dns_port

    def record(name: bytes, timeout: int = 5) -> bytes:
        return b"".join(resolver.resolve(name.decode(), "TXT")[0].strings)

    return bool(await asyncio.to_thread(dkim.verify, from_wire(content), dnsfunc=record))


class Place:
    """A site with a key for corp.test, and bank.test's server."""

    def __init__(
        self, secret: Callable[[str], bytes] = SECRETS.__getitem__, *, text: str = settings("required")
    ) -> None:
        network = Network(VirtualClock(1_700_000_000.0))  # a signature of tomorrow is not believed
        self.gateway = network.add(Peer("gw.corp.test", credential=GOOD))
        self.bank, self.shop = Peer("mx.bank.test", credential=GOOD), Peer("mx.shop.test")
        network.domain("bank.test", self.bank)
        network.domain("shop.test", self.shop)
        self.site = Site(document(text + DKIM), network, options={"secret": secret})

    async def deliver(self, *recipients: str, **more: object) -> None:
        await self.site.submit(*recipients, **more)  # type: ignore[arg-type]
        await self.until_idle()

    async def until_idle(self) -> None:
        while not self.site.agent.idle:  # signing goes on in threads
            await asyncio.to_thread(lambda: None)  # behind it


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    yield place
    await place.site.close()


async def test_signed_on_every_way_out(place: Place, dns_port: int) -> None:
    await place.deliver(BOB, "eve@shop.test", body="..a dot\r\n\r\n  two  spaces \r\n\r\n")
    for peer in (place.gateway, place.shop):
        (mail,) = peer.accepted
        assert mail.content.startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")
        assert await verifies(mail.content, dns_port)
        assert not await verifies(mail.content.replace(b"a dot", b"a dog"), dns_port)
        assert f"SIZE={len(mail.content)}" in mail.parameters


@pytest.mark.parametrize(
    ("sender", "signed"), [("a@finance.test", False), ("eve@stranger.test", False), ("b@corp.test", True), ("", True)]
)
async def test_strangers_are_not_signed_for_whatever_their_from_field(place: Place, sender: str, signed: bool) -> None:
    await place.deliver("eve@shop.test", sender=sender, subject="Offer\r\nFrom: Anna <anna@CORP.test>")
    (mail,) = place.shop.accepted
    assert (b"DKIM-Signature" in mail.content) is signed


async def test_a_domain_without_a_key_is_not_signed_for(place: Place) -> None:
    place.site.settings.apply(document(settings().replace('["corp.test"]', '["corp.test", "other.test"]') + DKIM))
    await place.deliver("eve@shop.test", sender="a@other.test")
    assert b"DKIM-Signature" not in place.shop.accepted[0].content


async def test_what_goes_to_our_own_mailboxes_is_not_signed() -> None:
    text = settings().replace('[organization]\nname = "Corp"\n', INBOUND)
    place = Place(text=text)
    await place.deliver("anna@corp.test", "eve@shop.test")
    (inside,), (outside,) = place.gateway.accepted, place.shop.accepted
    assert [b"DKIM-Signature" in mail.content for mail in (inside, outside)] == [False, True]
    await place.site.close()


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (None, "'dkim'"),
        (b"no key", "it is no private key in PEM"),
        (SECRETS["dkim"][:-40], "it is no private key in PEM"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "it is no RSA key"),
    ],
)
async def test_a_key_that_cannot_be_used_defers_and_sends_nothing(key: bytes | None, why: str) -> None:
    secrets = {} if key is None else {"dkim": key}
    place = Place(secrets.__getitem__)
    await place.deliver("eve@shop.test")
    result = place.site.ledger.last("eve@shop.test")
    assert (result.status, result.reply.enhanced) == (Status.DEFERRED, "4.3.5")
    assert result.reply.text.startswith("the DKIM key of corp.test cannot be used: ")
    assert why in result.reply.text
    assert place.shop.accepted == []
    secrets |= SECRETS
    await place.site.later(3600)
    await place.until_idle()
    assert b"DKIM-Signature" in place.shop.accepted[0].content
    await place.site.close()


async def test_large_messages_stream_with_their_signature() -> None:
    content = Signed(MemoryContent(b"x" * 1000, chunk=300), b"DKIM-Signature: v=1\r\n")
    pieces = [piece async for piece in content.chunks()]
    assert [len(piece) for piece in pieces] == [21, 300, 300, 300, 100]
    assert (content.inline, content.size) == (None, sum(map(len, pieces)))


async def test_each_domain_has_its_own_signature(place: Place, dns_port: int) -> None:
    domains = settings().replace('["corp.test"]', '["corp.test", "other.test"]')
    place.site.settings.apply(document(domains + DKIM + DKIM.replace("Corp.test", "other.test")))
    await place.deliver("eve@shop.test")
    (mail,) = place.shop.accepted
    assert b" d=corp.test; s=autumn;" in mail.content
    assert await verifies(mail.content, dns_port)
