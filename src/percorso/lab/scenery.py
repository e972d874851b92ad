"""The little world of the trial: domains, their servers with one fault each, and the hosts of the organization.

Everything is on loopback: a server is an address in 127.0.53.0/24, and all share one port.
"""

import datetime
import ssl
from pathlib import Path

import msgspec

from percorso.core.mail.reply import Reply
from percorso.lab.certificates import Authority, KeyPair
from percorso.lab.dns_server import Zone
from percorso.lab.receiver import ServerPlan, StartTlsFault

ENCRYPTOR = "encryptor.corp.test"
MAILSTORE = "mailstore.corp.test"
BUSY = Reply(code=450, enhanced="4.2.1", text="mailbox busy, try again later")
UNKNOWN_USER = Reply(code=550, enhanced="5.1.1", text="no such user here")


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """A domain that mail is sent to."""

    name: str  # its row in the table
    domain: str
    servers: tuple[str, ...]  # MX hosts, the preferred first


class Scenery(msgspec.Struct, frozen=True, kw_only=True):
    """All that the trial sets up."""

    destinations: tuple[Destination, ...]
    servers: tuple[ServerPlan, ...]
    zone: Zone
    ca_file: Path


def _context(pair: KeyPair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    return context


class _Builder:
    """Adds servers and domains one by one, and gives each its address."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._addresses = 0
        self.servers: list[ServerPlan] = []
        self.destinations: list[Destination] = []
        self.zone: dict[tuple[str, str], tuple[str, ...]] = {}

    def address(self, name: str) -> str:
        self._addresses += 1
        address = f"127.0.53.{self._addresses}"
        self.zone[name, "A"] = (address,)
        return address

    def server(
        self, name: str, *, pair: KeyPair | None = None, starttls: StartTlsFault = StartTlsFault.NONE,
        refuses: Reply | None = None,
    ) -> str:  # fmt: skip
        context = _context(pair or self._authority.issue(name))
        plan = ServerPlan(
            name=name, address=self.address(name), context=context, starttls=starttls, recipient_reply=refuses
        )
        self.servers.append(plan)
        return name

    def domain(self, row: str, domain: str, *servers: str) -> None:
        self.destinations.append(Destination(name=row, domain=domain, servers=servers))
        self.zone[domain, "MX"] = tuple(f"{10 * place} {name}." for place, name in enumerate(servers, 1))


def build(folder: Path, *, senders: tuple[str, ...]) -> Scenery:
    """The whole scenery, its certificates in `folder`; mail to the senders' domains goes to the mail store."""
    authority = Authority(folder, now=datetime.datetime.now(datetime.UTC))
    new = _Builder(authority)
    fault = StartTlsFault
    new.domain("good certificate", "good.test", new.server("mx.good.test"))
    pair = authority.self_signed("mx.selfsigned.test")
    new.domain("self-signed", "selfsigned.test", new.server("mx.selfsigned.test", pair=pair))
    pair = authority.issue("mx.expired.test", expired=True)
    new.domain("expired", "expired.test", new.server("mx.expired.test", pair=pair))
    pair = authority.issue("mx.wrongname.test", subject="somebody.else.test")
    new.domain("wrong name", "wrongname.test", new.server("mx.wrongname.test", pair=pair))
    new.domain("no TLS", "notls.test", new.server("mx.notls.test", starttls=fault.ABSENT))
    new.domain("TLS refused (454)", "refused.test", new.server("mx.refused.test", starttls=fault.REFUSED))
    new.domain("handshake dropped", "dropped.test", new.server("mx.dropped.test", starttls=fault.DROPPED))
    new.domain("busy (4xx)", "busy.test", new.server("mx.busy.test", refuses=BUSY))
    new.domain("unknown user (5xx)", "unknown.test", new.server("mx.unknown.test", refuses=UNKNOWN_USER))
    new.address("mx.dead.test")  # where nobody listens
    new.domain("dead", "dead.test", "mx.dead.test")
    stripped = new.server("mx1.stripped.test", starttls=fault.ABSENT)
    new.domain("first MX strips TLS", "stripped.test", stripped, new.server("mx2.stripped.test"))
    new.server(ENCRYPTOR)
    new.server(MAILSTORE)
    for sender in senders:
        new.zone[sender, "MX"] = (f"10 {MAILSTORE}.",)
    return Scenery(
        destinations=tuple(new.destinations), servers=tuple(new.servers), zone=new.zone, ca_file=authority.ca_file
    )
