"""What every connection of a listener works with."""

import logging
import ssl
from collections.abc import Callable
from typing import Final

import msgspec

from percorso.config.schema import Limits, Listener
from percorso.core.mail.address import Address
from percorso.core.mail.reply import Reply
from percorso.core.smtp import extensions
from percorso.core.smtp.extensions import Security
from percorso.core.smtp.said import NO_POSTMASTER
from percorso.ports.clock import Clock
from percorso.ports.queue import Queue, StoreError
from percorso.ports.settings import SettingsSource
from percorso.reception.clients import Clients, Networks
from percorso.reception.gate import Gate
from percorso.reception.submission import Submission

_log = logging.getLogger("percorso.reception")

_FAILED: Final = Reply(code=451, enhanced="4.3.0", text="the rate of this account is not known now; try again later")


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One listener's configuration, and the parts of the worker that it serves with."""

    name: str  # the node's host name
    listener: Listener
    networks: Networks
    limits: Limits
    session_limits: extensions.Limits
    tls: Callable[[], ssl.SSLContext] | None
    """The context for a TLS session that begins now."""
    queue: Queue
    settings: SettingsSource
    clock: Clock
    clients: Clients
    gate: Gate
    submission: Submission | None = None
    """Of a submission listener."""

    @property
    def security(self) -> Security:
        """How a session of this listener comes to TLS and to an account."""
        return Security(
            starttls=self.listener.tls == "starttls",
            encrypted=self.listener.tls == "implicit",
            auth=self.listener.role == "submission",
        )

    def refuse_sender(self, sender: Address | None, account: str) -> Reply | None:
        """The reply where the sender may not send here (now), else None.

        An account sends as what it is granted. Through a relay listener only the organization's senders leave, and the
        null sender of bounces.
        """
        if self.submission is not None:
            return self._of_account(self.submission, sender, account)
        if self.listener.allow_foreign_senders or self.settings.current.admits_sender(sender):
            return None
        domain = sender.domain if sender else ""
        return Reply(
            code=550,
            enhanced="5.7.1",
            text=f"{domain} is not a domain of this organization; send with an address of the organization, "
            "or ask the administrator to add the domain to its domains",
        )

    def admit_recipient(self, address: Address) -> Address | Reply:
        """The address to deliver to: `Postmaster` without a domain is the organization's, if it has one."""
        return address if address.domain else self.settings.current.postmaster or NO_POSTMASTER

    def _of_account(self, submission: Submission, sender: Address | None, account: str) -> Reply | None:
        settings = self.settings.current
        try:
            return submission.refuse_sender(account, sender, settings=settings, now=self.clock.now())
        except StoreError as error:
            _log.error("%s: the rate of the account is not known: %s", account, error)
            return _FAILED

    def host_of(self, client: str) -> str:
        """The configured host that mail from this client's address comes from; "" for none."""
        hosts = self.settings.current.hosts.values()
        return next((host.name for host in hosts if host.networks and client in Networks(host.networks)), "")
