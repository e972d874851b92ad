"""Organizations, servers and mail, drawn by Hypothesis: well-behaved, failing at every step, and hostile.

The servers are few and the domains share them, so that connections are reused between mail of every requirement.
"""

from dataclasses import dataclass

from hypothesis import strategies as st

from percorso.core.settings import schema
from tests.network.credential import Credential
from tests.network.network import Network
from tests.network.peer import Peer
from tests.network.strategies import peers

DOMAINS = ("bank.test", "shop.test")
SERVERS = ("mx1.test", "mx2.test", "mx3.test")
GATEWAYS = ("gw1.test", "gw2.test")
OWN_SERVER = "mail.corp.test"
KEY = Credential().spki
OTHER_KEY = Credential(key="other").spki
CA_FILE = "/etc/percorso/own.pem"
RECIPIENTS = ("bob", "ann", "ann+tag")
SECURE = "[secure] offer"


@dataclass(frozen=True)
class Identity:
    """How a setting or a host wants the peer to be known."""

    require_ca: bool
    validate_hostname: bool
    min_tls: schema.MinTls
    pin: tuple[str, ...]
    ca_file: str


identities = st.builds(
    Identity,
    require_ca=st.booleans(),
    validate_hostname=st.booleans(),
    min_tls=st.sampled_from(("1.0", "1.2", "1.3")),
    pin=st.sampled_from(((), (), (), (KEY,), (OTHER_KEY,))),
    ca_file=st.sampled_from(("", "", "", CA_FILE)),
)


@st.composite
def hosts(draw: st.DrawFn) -> schema.Host:
    identity = draw(identities)
    tls = draw(st.sampled_from(("starttls", "starttls", "implicit")))
    gateways = draw(st.permutations(GATEWAYS))
    return schema.Host(
        name="encryptor",
        primary=(schema.Server(address=gateways[0], port=465 if tls == "implicit" else 25),),
        secondary=(schema.Server(address=gateways[1], port=465 if tls == "implicit" else 25),),
        tls=tls,
        require_tls=draw(st.booleans()),
        **vars(identity),
    )


@st.composite
def compliance(draw: st.DrawFn, name: str) -> schema.TlsCompliance:
    identity = draw(identities)
    everybody = draw(st.booleans())
    return schema.TlsCompliance(
        name=name,
        applies_to=draw(st.sampled_from(("outbound", "outbound", "outbound-required-elsewhere"))),
        all=everybody,
        lists=() if everybody else ("partners",),
        match=() if identity.pin else draw(st.sampled_from(((), (), ("mx1.test", "other.example")))),
        **vars(identity),
    )


ENTRIES = ("bank.test", "ann@bank.test", "ann@bank.test", "bob@shop.test", ".bank.test")


@st.composite
def documents(draw: st.DrawFn, host: schema.Host) -> schema.Document:
    """Settings with every demand and every meaning of the route; also such as the checks would refuse."""
    settings = draw(st.sampled_from((0, 1, 1, 2)))
    when = draw(st.sampled_from((None, "required", "unlisted", "on-failure")))
    rule = schema.RoutingRule(name="by subject", match=schema.RuleMatch(header="Subject", contains="[secure]"))
    return schema.Document(
        organization=schema.Organization(domains=("corp.test",), min_tls=draw(st.sampled_from(("1.0", "1.2")))),
        host=(host,),
        address_list=(
            schema.AddressList(
                name="partners", entries=draw(st.lists(st.sampled_from(ENTRIES), max_size=3).map(tuple))
            ),
        ),
        tls_compliance=tuple(draw(compliance(f"setting {number}")) for number in range(settings)),
        routing_rule=(rule,) if draw(st.sampled_from((True, True, False))) else (),
        alternate_secure_route=(schema.AlternateSecureRoute(host="encryptor", when=when),) if when else (),
    )


def servers(name: str) -> st.SearchStrategy[Peer]:
    """A server of this name, with more kinds of certificate than its own kind tells."""
    keys = st.sampled_from(("peer", "peer", "other"))
    anchors = st.sampled_from(((), (CA_FILE,)))

    def shown(peer: Peer, key: str, anchors: tuple[str, ...]) -> Peer:
        if peer.credential is not None:
            told = {field: getattr(peer.credential, field) for field in peer.credential.__struct_fields__}
            peer.credential = Credential(**{**told, "key": key, "ca_files": anchors})
        return peer

    return st.builds(shown, st.one_of(peers(name), st.builds(_healthy, peers(name))), keys, anchors)


def _healthy(peer: Peer) -> Peer:
    """The server without its faults; its certificate may still be of any kind."""
    return Peer(peer.name, credential=peer.credential, extensions_tls=peer.extensions_tls)


@st.composite
def networks(draw: st.DrawFn, host: schema.Host) -> Network:
    network = Network()
    pool = [network.add(draw(servers(name))) for name in SERVERS]
    for server in (*host.primary, *host.secondary):
        gateway = draw(servers(server.address))
        gateway.port, gateway.implicit_tls = server.port, host.tls == "implicit"
        network.add(gateway)
    for domain in DOMAINS:
        network.domain(domain, *draw(st.permutations(pool))[: draw(st.integers(1, 2))])
    network.domain("corp.test", draw(servers(OWN_SERVER)))
    for name in draw(st.lists(st.sampled_from((*DOMAINS, *SERVERS)), max_size=1)):
        network.names.fail(name)
    return network


@dataclass(frozen=True)
class Mail:
    """One message. Its number is in its addresses and its body."""

    number: int
    recipients: tuple[str, ...]
    subject: str
    pause: bool
    """Whether its attempt is over before the next message comes, which then finds its connections."""


@st.composite
def mails(draw: st.DrawFn, number: int) -> Mail:
    people = st.builds(lambda local, domain: f"{local}@{domain}", st.sampled_from(RECIPIENTS), st.sampled_from(DOMAINS))
    return Mail(
        number=number,
        recipients=tuple(draw(st.lists(people, min_size=1, max_size=3, unique=True))),
        subject=draw(st.sampled_from(("Offer", SECURE))),
        pause=draw(st.booleans()),
    )


@dataclass(frozen=True)
class World:
    """All of it. Mail is accepted and tried under the first document, later attempts go by the others."""

    network: Network
    documents: tuple[schema.Document, ...]
    mails: tuple[Mail, ...]
    rounds: tuple[float, ...]
    """Seconds that pass before each later attempt."""


@st.composite
def worlds(draw: st.DrawFn) -> World:
    host = draw(hosts())
    count = draw(st.integers(1, 6))
    return World(
        network=draw(networks(host)),
        documents=tuple(draw(st.lists(documents(host), min_size=1, max_size=3))),
        mails=tuple(draw(mails(number)) for number in range(count)),
        rounds=tuple(draw(st.lists(st.sampled_from((1.0, 3600.0, 90_000.0, 500_000.0)), min_size=1, max_size=3))),
    )
