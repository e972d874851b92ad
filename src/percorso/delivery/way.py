"""The way to one target: where to connect, what must be proved there, and which kept connections will do.

The pool's key is hop, address, reference name and how it is known, trust anchors and pins, client identity, and whether
the connection is encrypted. A way whose requirement asks for anything never has a key of a plaintext connection.
"""

import msgspec

from percorso.core.delivery.plan import Attempt
from percorso.core.hosts.host import Host, Target
from percorso.core.policy.decision import Hop
from percorso.core.tls.requirement import Requirement
from percorso.ports.dialer import TlsOffer


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Who we are to a host: an account, and the secret that holds its password."""

    username: str
    secret: str


class ConnectionKey(msgspec.Struct, frozen=True, kw_only=True):
    """What two deliveries must have in common to share a connection."""

    hop: str  # "direct", or "host NAME"
    address: str
    port: int
    implicit_tls: bool
    offer: TlsOffer  # reference name, trust anchors, client identity
    name_authenticated: bool
    pins: tuple[str, ...]
    login: Login | None
    encrypted: bool


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How one message goes to one target."""

    hop: str
    target: Target
    requirement: Requirement
    offer: TlsOffer
    pins: tuple[str, ...] = ()
    login: Login | None = None
    tls: bool = True
    """Whether to ask for TLS; without it only where the requirement is opportunistic."""

    @property
    def keys(self) -> tuple[ConnectionKey, ...]:
        """The kept connections that may serve, the best first."""
        keys = (self.key(encrypted=True),) if self.tls else ()
        return (*keys, self.key(encrypted=False)) if self.requirement.opportunistic else keys

    def key(self, *, encrypted: bool) -> ConnectionKey:
        """The key of a connection that was opened this way and is encrypted or not."""
        return ConnectionKey(
            hop=self.hop,
            address=self.target.address,
            port=self.target.port,
            implicit_tls=self.target.implicit_tls,
            offer=self.offer,
            name_authenticated=self.target.name_authenticated,
            pins=self.pins,
            login=self.login,
            encrypted=encrypted,
        )


def way_to(hop: Hop, attempt: Attempt) -> Way:
    """The way that an attempt of a hop takes."""
    clauses = hop.requirement.identity
    return Way(
        hop=f"host {hop.host.name}" if hop.host else "direct",
        target=attempt.target,
        requirement=hop.requirement,
        offer=TlsOffer(
            reference_name=attempt.target.name,
            ca_files=tuple(sorted({clause.ca_file for clause in clauses if clause.ca_file})),
            min_version=hop.requirement.min_version,
            client_certificate_secret=hop.host.client_certificate_secret if hop.host else "",
        ),
        pins=tuple(sorted({pin for clause in clauses for pin in clause.pins})),
        login=_login(hop.host) if hop.host else None,
        tls=attempt.tls,
    )


def _login(host: Host) -> Login | None:
    return Login(username=host.username, secret=host.password_secret) if host.username else None
