"""What every connection of a listener works with."""

import ssl

import msgspec

from percorso.config.schema import Limits, Listener
from percorso.core.mail.address import Address
from percorso.core.mail.reply import Reply
from percorso.core.smtp import extensions
from percorso.core.smtp.extensions import Security
from percorso.ports.clock import Clock
from percorso.ports.queue import Queue
from percorso.ports.settings import SettingsSource
from percorso.reception.clients import Clients, Networks
from percorso.reception.gate import Gate


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One listener's configuration, and the parts of the worker that it serves with."""

    name: str  # the node's host name
    listener: Listener
    networks: Networks
    limits: Limits
    session_limits: extensions.Limits
    tls: ssl.SSLContext | None
    queue: Queue
    settings: SettingsSource
    clock: Clock
    clients: Clients
    gate: Gate

    @property
    def security(self) -> Security:
        """How a session of this listener comes to TLS and to an account."""
        return Security(
            starttls=self.listener.tls == "starttls",
            encrypted=self.listener.tls == "implicit",
            auth=self.listener.role == "submission",
        )

    def admit_sender(self, sender: Address | None) -> Reply | None:
        """Only the organization's senders, and the null sender of bounces, leave through a relay listener."""
        if self.listener.allow_foreign_senders or self.settings.current.admits_sender(sender):
            return None
        domain = sender.domain if sender else ""
        return Reply(
            code=550,
            enhanced="5.7.1",
            text=f"{domain} is not a domain of this organization; send with an address of the organization, "
            "or ask the administrator to add the domain to its domains",
        )

    def host_of(self, client: str) -> str:
        """The configured host that mail from this client's address comes from; "" for none."""
        hosts = self.settings.current.hosts.values()
        return next((host.name for host in hosts if host.networks and client in Networks(host.networks)), "")
