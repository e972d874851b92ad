"""The network in memory behaves: the client's state machine talks to its peers, faults come as scripted."""

import pytest

from percorso.core.hosts.host import Target
from percorso.core.mail.address import parse_address
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient
from percorso.core.smtp.client import ClientSession, Result
from percorso.core.smtp.errors import ProtocolError
from percorso.core.smtp.result import Answer, TransactionResult
from percorso.core.smtp.transaction import Transaction
from percorso.core.tls.judge import judge
from percorso.core.tls.requirement import ENCRYPTED, IdentityClause, Requirement
from percorso.core.tls.result import FailureType
from percorso.ports.dialer import ConnectFailed, Dialer, Stream, TlsFailed, TlsOffer
from percorso.ports.resolver import BogusAnswer, LookupFailed, Resolver
from tests.network.credential import OLD_TLS, SELF_SIGNED
from tests.network.network import Network
from tests.network.peer import Fault, Peer, Script, Step

MX = "mx1.bank.test"
CONTENT = b"Subject: secret marker\r\n\r\n..dot\r\n"


async def run(session: ClientSession, stream: Stream) -> Result:
    while (result := session.next_result()) is None:
        if data := session.data_to_send():
            await stream.write(data, timeout=10)
        elif data := await stream.read(timeout=300):
            session.receive_data(data)
        else:
            raise ConnectFailed("closed")
    return result


async def deliver(network: Network, peer: Peer, *, tls: bool = True) -> TransactionResult | Answer:
    """A careless client: takes TLS where it is offered and judges nothing."""
    dialer: Dialer = network
    stream = await dialer.connect(Target(name=peer.name, address=peer.address, port=peer.port), timeout=30)
    session = ClientSession()
    session.hello("mx.corp.test")
    await run(session, stream)
    if tls and session.capabilities.offers("STARTTLS"):
        session.starttls()
        await run(session, stream)
        await stream.start_tls(TlsOffer(reference_name=peer.name, ca_files=("own",)), timeout=30)
        session.tls_established()
        session.hello("mx.corp.test")
        await run(session, stream)
    envelope = Envelope(sender=parse_address("a@corp.test"))
    recipients = tuple(EnvelopeRecipient(address=parse_address(f"{name}@bank.test")) for name in ("bob", "eve"))
    session.send(Transaction(envelope=envelope, recipients=recipients, size=len(CONTENT), content=[CONTENT]))
    try:
        return await run(session, stream)
    except (ConnectFailed, ProtocolError):
        known = session.abort()
        assert known is not None
        return known


def network_with(peer: Peer) -> Network:
    network = Network()
    network.domain("bank.test", peer)
    return network


async def test_a_message_is_taken_over_tls() -> None:
    peer = Peer(MX, recipients={"eve@bank.test": "550 5.1.1 unknown"})
    network = network_with(peer)
    result = await deliver(network, peer)
    assert isinstance(result, TransactionResult)
    assert [answer.reply.code for answer in result.answers if answer] == [250, 550]
    (mail,) = network.accepted
    assert (mail.sender, mail.recipients, mail.content) == ("a@corp.test", ("bob@bank.test",), CONTENT)
    assert mail.handshake.encrypted
    assert mail.answered


@pytest.mark.parametrize("tls", [True, False])
async def test_every_octet_has_its_tls_state(tls: bool) -> None:
    peer = Peer(MX, credential=SELF_SIGNED)
    network = network_with(peer)
    await deliver(network, peer, tls=tls)
    plain = network.exposed(lambda shown: judge(ENCRYPTED, shown).met)
    assert bool(plain) is not tls
    trusted = Requirement(encrypted=True, identity=(IdentityClause(ca=True),))
    exposed = network.exposed(lambda shown: judge(trusted, shown).met)
    assert any(exposure.line.startswith(b"MAIL FROM:<a@corp.test>") for exposure in exposed)
    assert len(network.exposed(lambda shown: judge(trusted, shown).met, b"secret marker")) == 1
    assert not any(exposure.line.startswith((b"EHLO", b"STARTTLS")) for exposure in exposed)


FAULTS: list[tuple[Script, type[Exception]]] = [
    ({Step.DIAL: Fault.DROP}, ConnectFailed),
    ({Step.DIAL: Fault.SILENCE}, ConnectFailed),
    ({Step.GREETING: Fault.DROP}, ConnectFailed),
    ({Step.EHLO: Fault.SILENCE}, ConnectFailed),
    ({Step.EHLO: b"\xff\xfe\r\n"}, ProtocolError),
    ({Step.HANDSHAKE: Fault.FAIL}, TlsFailed),
    ({Step.HANDSHAKE: Fault.DROP}, TlsFailed),
    ({Step.HANDSHAKE: Fault.SILENCE}, TlsFailed),
]


@pytest.mark.parametrize(("script", "error"), FAULTS, ids=[str(case[0]) for case in FAULTS])
async def test_faults_before_the_message(script: Script, error: type[Exception]) -> None:
    peer = Peer(MX, script=script)
    network = network_with(peer)
    before = network.clock.now()
    with pytest.raises(error):
        await deliver(network, peer)
    assert (network.clock.now() > before) == (Fault.SILENCE in script.values())
    assert network.exposed(lambda _shown: False) == []


async def test_a_lost_reply_is_uncertain_and_the_peer_has_the_message() -> None:
    peer = Peer(MX, script={Step.CONTENT: [Fault.TAKE_AND_DROP]})
    network = network_with(peer)
    result = await deliver(network, peer)
    assert isinstance(result, TransactionResult)
    assert result.uncertain
    assert [mail.answered for mail in network.accepted] == [False]
    await deliver(network, peer)
    assert [mail.answered for mail in network.accepted] == [False, True]


@pytest.mark.parametrize("action", [Fault.DROP, Fault.SILENCE, "421 4.3.0 bye"])
async def test_a_drop_in_the_content_is_not_uncertain(action: Fault | str) -> None:
    peer = Peer(MX, script={Step.BODY: action})
    network = network_with(peer)
    await deliver(network, peer)
    assert network.accepted == []


async def test_a_list_is_used_up_over_connections() -> None:
    peer = Peer(MX, script={Step.MAIL: ["451 4.3.0 later", Fault.PASS, "550 5.7.1 no"]})
    network = network_with(peer)
    codes = []
    for _ in range(4):
        result = await deliver(network, peer)
        assert isinstance(result, TransactionResult)
        codes.append(result.answers[0].reply.code if result.answers[0] else 0)
    assert codes == [451, 250, 550, 250]


async def test_what_comes_before_the_handshake_ends_it() -> None:
    peer = Peer(MX)
    network = network_with(peer)
    stream = await network.connect(Target(name=MX, address=peer.address), timeout=1)
    with pytest.raises(TlsFailed, match="before the handshake"):
        await stream.start_tls(TlsOffer(reference_name=MX), timeout=1)
    with pytest.raises(ConnectFailed):
        await stream.read(timeout=1)


async def test_implicit_tls_greets_after_the_handshake() -> None:
    peer = Peer(MX, port=465, implicit_tls=True, credential=OLD_TLS)
    network = network_with(peer)
    target = Target(name=MX, address=peer.address, port=465, implicit_tls=True)
    stream = await network.connect(target, timeout=1)
    await stream.start_tls(TlsOffer(reference_name=MX), timeout=1)
    assert (await stream.read(timeout=1)).startswith(b"220 ")
    other = await network.connect(target, timeout=1)
    with pytest.raises(TlsFailed) as caught:
        await other.start_tls(TlsOffer(reference_name=MX, min_version=0x0303), timeout=1)
    assert caught.value.failure is FailureType.TLS_VERSION_TOO_LOW


async def test_requiretls_is_the_wires_to_know() -> None:
    peer = Peer(MX, extensions_tls=("REQUIRETLS",))
    network = network_with(peer)
    await deliver(network, peer)
    assert [phase.handshake.requiretls_offered for phase in network.wires[0].phases] == [False, True]


async def test_names() -> None:
    network = Network()
    resolver: Resolver = network.names
    network.domain("bank.test", Peer(MX), Peer("mx2.bank.test", address="2001:db8::1"))
    network.names.alias("www.bank.test", "bank.test")
    network.names.authenticated |= {"bank.test"}
    mx = await resolver.query("BANK.test.", "MX")
    assert mx.records == ("10 mx1.bank.test.", "20 mx2.bank.test.")
    assert mx.authenticated
    aliased = await resolver.query("www.bank.test", "MX")
    assert (aliased.name, aliased.records, aliased.authenticated) == ("bank.test", mx.records, False)
    assert (await resolver.query("mx2.bank.test", "AAAA")).records == ("2001:db8::1",)
    assert (await resolver.query("mx2.bank.test", "A")).records == ()
    assert not (await resolver.query("none.test", "A")).exists
    network.names.fail("bank.test", "MX", bogus=True)
    with pytest.raises(BogusAnswer):
        await resolver.query("bank.test", "MX")
    network.names.mend("bank.test", "MX")
    network.names.alias("loop.test", "loop.test")
    with pytest.raises(LookupFailed):
        await resolver.query("loop.test", "A")
