"""The settings of one version, compiled: what applies in each organizational unit is worked out once."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from percorso.core.hosts.host import Host
from percorso.core.mail.address import Address, domain_keys, match_keys
from percorso.core.policy.facts import Facts
from percorso.core.policy.index import RuleIndex
from percorso.core.policy.rule import Rule
from percorso.core.settings.rate import Rate
from percorso.core.tls.requirement import Requirement, TlsVersion

ROOT = "/"


class AlternateRoute(msgspec.Struct, frozen=True, kw_only=True):
    """An alternate secure route in force."""

    unit: str  # that it is set for
    host: Host
    when: Literal["required", "unlisted", "on-failure"]
    divert_destination_policy: bool = False

    @property
    def id(self) -> str:
        """Its name in a decision."""
        return f"alternate_secure_route{self.unit}"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A submission account."""

    unit: str
    addresses: frozenset[str] = frozenset()
    """The senders that it may use, as list entries."""
    rate: Rate | None = None

    def may_send_as(self, sender: Address | None) -> bool:
        """Whether the sender is one of its own. The null sender is anybody's: receipts have it (RFC 8098, 3)."""
        return sender is None or any(key in self.addresses for key in match_keys(sender, untagged=False))


class UnitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force in one organizational unit: its own settings and those that it inherits."""

    path: str
    levels: tuple[RuleIndex, ...] = ()
    """The rules set for the root, …, for the unit itself."""
    overridden: dict[str, str] = msgspec.field(default_factory=dict)
    """By the id of an inherited rule that is not in force here: the id of the one that replaces it."""
    route: AlternateRoute | None = None

    def rules(self) -> Iterator[Rule]:
        """Every rule that is set for the unit or above it, also the overridden ones."""
        for level in self.levels:
            yield from level.rules

    def matching(self, facts: Facts) -> list[Rule]:
        """The rules in force that match, by the index, in the document's order."""
        found = {
            rule.position: rule
            for level in self.levels
            for rule in level.matching(facts)
            if rule.id not in self.overridden
        }
        return [found[position] for position in sorted(found)]


class Alerting(msgspec.Struct, frozen=True, kw_only=True):
    """Where alerts go."""

    recipients: tuple[Address, ...] = ()
    webhook: str = ""  # URL
    webhook_secret: str = ""  # its name


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """What mail of a domain is signed with (DKIM)."""

    domain: str
    selector: str
    secret: str  # its name


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The compiled settings of one version."""

    version: int
    name: str = ""
    """The organization's."""
    language: Literal["en", "it"] = "en"
    alerting: Alerting = Alerting()
    units: dict[str, UnitSettings]
    """By path; "/" is always there."""
    senders: dict[str, str]
    """Units by the list entries of their senders."""
    accounts: dict[str, Account]
    """By name."""
    domains: frozenset[str]
    """The organization's domains, as list entries."""
    postmaster: Address | None = None
    """Who `<Postmaster>` without a domain is (RFC 5321, 4.5.1): that of the organization's first domain."""
    signing: dict[str, SigningKey] = msgspec.field(default_factory=dict)
    """By domain, A-labels."""
    hosts: dict[str, Host]
    inbound_host: Host | None = None
    min_tls: TlsVersion = TlsVersion.TLS_1_2
    """The floor of every requirement."""
    secure_warning: float
    """Seconds of typed failures after which the sender is warned."""
    secure_expiry: float
    """Seconds of typed failures after which mail bounces."""
    expiry: float
    """Seconds after acceptance at which mail that waits for any other reason bounces."""
    header_names: frozenset[str] = frozenset()
    """The header fields, lower-case, that a decision looks at."""
    uses_lists: bool = False
    """Whether any rule looks at address lists."""

    def sender_entry(self, sender: Address) -> str | None:
        """The entry of a unit's senders that matches best: the address, else the longest domain."""
        return self._entry(match_keys(sender))

    def unit_of(self, sender: Address | None, account: str = "") -> str:
        """The path of the sender's unit: the account's, else that of its address or longest domain, else "/"."""
        if account in self.accounts:
            return self.accounts[account].unit
        entry = self.sender_entry(sender) if sender else None
        return self.senders[entry] if entry else ROOT

    def units_of_from(self, header_from: Iterable[str]) -> set[str]:
        """The units of what a header From names: addresses, or domains. A stranger is in none."""
        units = set()
        for text in header_from:
            local, _, domain = text.rpartition("@")
            keys = match_keys(Address(local=local, domain=domain)) if local else domain_keys(domain)
            if entry := self._entry(keys):
                units.add(self.senders[entry])
            elif self.is_own_domain(domain):
                units.add(ROOT)
        return units

    def admits_sender(self, sender: Address | None) -> bool:
        """Whether it is the organization's: of its domains, a sender of a unit, or the null sender."""
        return sender is None or self.is_own_domain(sender.domain) or self.sender_entry(sender) is not None

    def is_own_domain(self, domain: str) -> bool:
        """Whether the domain (A-labels) is the organization's."""
        return not self.domains.isdisjoint(domain_keys(domain))

    def floored(self, requirement: Requirement) -> Requirement:
        """The requirement, if it is one, with the organization's lowest TLS version."""
        if requirement.opportunistic or requirement.min_version >= self.min_tls:
            return requirement
        return requirement.both(Requirement(min_version=int(self.min_tls)))

    def _entry(self, keys: Iterable[str]) -> str | None:
        for key in keys:
            if key in self.senders:
                return key
        return None
