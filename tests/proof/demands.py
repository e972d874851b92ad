"""What each recipient's delivery must prove, worked out a second time, and plainly, from the settings document.

Nothing here uses `decide` or `judge`. A peer's credential is looked at directly, not what a handshake recorded of it,
and the reference name is that of the server whose connection it was.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from percorso.core.settings import schema
from tests.network.credential import Credential

VERSIONS = {"1.0": 0x301, "1.1": 0x302, "1.2": 0x303, "1.3": 0x304}


@dataclass(frozen=True)
class Demand:
    """One setting's demand. `anchored` ones name keys, names or CAs of the recipient's own servers."""

    version: int
    ca: bool = False
    host: bool = False
    names: tuple[str, ...] = ()
    ca_file: str = ""
    pins: tuple[str, ...] = ()

    @property
    def anchored(self) -> bool:
        return bool(self.names or self.ca_file or self.pins)


def listed(entries: Iterable[str], recipient: str) -> bool:
    """Whether a list entry matches the address; the tests' lists hold whole domains, subdomains and addresses."""
    local, _, domain = recipient.partition("@")
    untagged = f"{local.partition('+')[0]}@{domain}"
    for entry in entries:
        if entry in {recipient, untagged, domain} or (entry.startswith(".") and domain.endswith(entry)):
            return True
    return False


def demands(document: schema.Document, recipient: str, subject: str) -> list[Demand]:
    """What the administrator asks of the delivery to this recipient; empty where nothing is required."""
    floor = VERSIONS[document.organization.min_tls]
    lists = {table.name: table.entries for table in document.address_list}
    ruled = any(
        rule.match.contains.lower() in subject.lower()
        if rule.match.header
        else listed([rule.match.recipient], recipient)
        for rule in document.routing_rule
    )
    found = [Demand(version=floor)] if ruled else []
    for setting in document.tls_compliance:
        matches = setting.all or any(listed(lists[name], recipient) for name in setting.lists)
        counts = setting.applies_to == "outbound" or (setting.applies_to == "outbound-required-elsewhere" and ruled)
        if matches and counts:
            found.append(
                Demand(
                    version=max(floor, VERSIONS[setting.min_tls]),
                    ca=setting.require_ca,
                    host=setting.validate_hostname,
                    names=setting.match,
                    ca_file=setting.ca_file,
                    pins=setting.pin,
                )
            )
    return found


def at_host(demand: Demand, host: schema.Host) -> Demand:
    """What the alternate host proves of a demand: what only the recipient's servers can prove does not transfer."""
    wishes_name = demand.host or bool(demand.names)
    if host.pin or host.ca_file:
        return Demand(version=demand.version, ca_file=host.ca_file, pins=host.pin)
    return Demand(version=demand.version, ca=demand.ca, host=wishes_name)


def of_host(host: schema.Host) -> Demand | None:
    """What the host's own options ask."""
    if not host.require_tls:
        return None
    return Demand(
        version=VERSIONS[host.min_tls],
        ca=host.require_ca,
        host=host.validate_hostname,
        ca_file=host.ca_file,
        pins=host.pin,
    )


def proves(shown: Credential | None, version: int, name: str, demand: Demand) -> bool:
    """Whether a connection with this TLS version (0: plaintext) to the server of this name meets the demand."""
    if not version or shown is None or version < demand.version:
        return False
    if demand.pins or demand.ca_file:
        keyed = not demand.pins or shown.spki in demand.pins
        issued = not demand.ca_file or (demand.ca_file in shown.ca_files and shown.server_purpose and not shown.expired)
        named = bool(demand.pins) or not demand.names or _bears(shown, name, demand.names)
        return keyed and issued and named
    if demand.ca and not (shown.trusted and shown.server_purpose and not shown.expired):
        return False
    return not (demand.host or demand.names) or _bears(shown, name, demand.names or (name,))


def _bears(shown: Credential, name: str, wanted: Iterable[str]) -> bool:
    names = (name,) if shown.names is None else shown.names
    return any(_stands_for(one, reference) for one in names for reference in wanted)


def _stands_for(presented: str, reference: str) -> bool:
    if presented.startswith("*.") and presented.count(".") > 1:
        return presented[1:] == reference[reference.find(".") :] and reference.find(".") > 0
    return presented == reference
