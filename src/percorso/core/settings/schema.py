"""The settings document: every table and key that an organization's settings may have.

1. The TOML key, the JSON key, the attribute and the noun of an audit event are one word.
2. The schema says what a document looks like; whether it makes sense is for `validation`. A stored
   version therefore stays readable when the checks grow stricter.
3. A document is whole: what is absent is not set.

The texts of the fields are the settings reference.
"""

import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict

MAX_SETTINGS: Final = 1_000
"""Tables of one kind."""
MAX_LISTS: Final = 2_000
MAX_ENTRIES: Final = 100_000
"""Entries of one address list."""
MAX_DESCRIPTION: Final = 1_000
MAX_ALERT_RECIPIENTS: Final = 20
MAX_NAME: Final = 250
NAMED_BY: Final = {"unit": "path", "alternate_secure_route": "unit", "dkim": "domain"}
"""The key that tells a table from others of its kind, where it is not `name`."""

MinTls = Literal["1.0", "1.1", "1.2", "1.3"]
AppliesTo = Literal["inbound", "outbound", "outbound-required-elsewhere"]
RouteWhen = Literal["required", "unlisted", "on-failure"]
Language = Literal["en", "it"]

Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Name = Annotated[str, Field(max_length=MAX_NAME)]


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Pins = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]


class _Table(BaseModel):
    """What all tables share: an unknown key is an error, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Organization(_Table):
    """The organization as a whole."""

    name: Name = Field("", description="The organization's name, as notices to senders show it.")
    domains: tuple[str, ...] = Field(
        (),
        max_length=MAX_SETTINGS,
        description='The organization\'s own domains; ".corp.test" stands for all subdomains of corp.test.',
    )
    min_tls: MinTls = Field("1.2", description="The lowest TLS version of every requirement.")
    inbound_host: Name = Field(
        "", description="The host that mail for the organization's own domains and notices to its senders go to."
    )
    language: Language = Field(
        "en", description='The language that notices begin with and alerts are in: "en" or "it".'
    )
    secure_warning: str = Field(
        "1h", description="The sender is warned when mail has waited this long for secure transport."
    )
    secure_expiry: str = Field(
        "24h", description="Mail that cannot travel securely goes back to its sender after this."
    )
    expiry: str = Field("5d", description="Mail that waits for any other reason goes back to its sender after this.")
    requiretls: Literal["strict", "off"] = Field(
        "strict", description='Whether the REQUIRETLS wish of a sender (RFC 8689) is kept: "strict" or "off".'
    )
    alert_recipients: tuple[str, ...] = Field(
        (), max_length=MAX_ALERT_RECIPIENTS, description="Addresses that alerts are mailed to, never in plaintext."
    )
    alert_webhook: str = Field(
        "", max_length=2_000, description="An https:// URL that alerts are posted to; http:// only on loopback."
    )
    alert_webhook_secret: str = Field(
        "", description="The name of the secret that signs what is posted (HMAC-SHA-256)."
    )


class Unit(_Table):
    """An organizational unit. Settings are inherited down the tree, and add up."""

    path: str = Field(description='Its place in the tree, such as "/Finance" or "/Finance/Payroll"; "/" is the root.')
    senders: tuple[str, ...] = Field(
        (), max_length=MAX_ENTRIES, description="Domains and addresses whose mail is this unit's."
    )
    description: str = Field("", max_length=MAX_DESCRIPTION, description="For people.")


class Server(_Table):
    """One server of a host."""

    address: str = Field(description="A host name (recommended) or an IP address; a domain with `mx_lookup`.")
    port: Whole = Field(25, description='25, 587 or 1024 to 65535; 465 with tls = "implicit".')
    load: Whole = Field(100, description="Its share in percent; the shares of one table add up to 100.")


class Host(_Table):
    """A host (mail route): a named destination that mail can be routed to."""

    name: Name = Field(description="How routes and the organization refer to it.")
    primary: tuple[Server, ...] = Field(description="Its servers, chosen among by load.")
    secondary: tuple[Server, ...] = Field((), description="Servers for when every primary has failed.")
    mx_lookup: Flag = Field(False, description="Look up the MX records of the address instead of connecting to it.")
    tls: Literal["starttls", "implicit"] = Field(
        "starttls", description="TLS by STARTTLS (RFC 3207), or from the first byte (RFC 8314)."
    )
    require_tls: Flag = Field(True, description="Never pass mail to it in plaintext.")
    require_ca: Flag = Field(True, description="Its certificate must be signed by a trusted CA.")
    validate_hostname: Flag = Field(True, description="Its certificate must name the server.")
    min_tls: MinTls = Field("1.2", description="The lowest TLS version that it may speak.")
    ca_file: str = Field("", description="Absolute path, on every node, of a CA bundle of its own (PEM).")
    pin: Pins = Field((), description="SHA-256 of its public key, one or several: 64 hex digits or sha256:BASE64.")
    username: str = Field("", description="The account to authenticate with.")
    password_secret: str = Field("", description="The name of the secret that holds the account's password.")
    client_certificate_secret: str = Field("", description="The name of the secret that holds our client certificate.")
    networks: tuple[str, ...] = Field((), description="Mail that comes from these addresses comes from this host.")
    returns: Literal["", "encrypted-content"] = Field(
        "", description='"encrypted-content" where it sends messages back to us after encrypting them.'
    )
    description: str = Field("", max_length=MAX_DESCRIPTION, description="For people.")


class AddressList(_Table):
    """A named list of domains and addresses."""

    name: Name = Field(description="How settings refer to it.")
    entries: tuple[str, ...] = Field(
        (),
        max_length=MAX_ENTRIES,
        description='Domains ("bank.test"), subdomains (".bank.test") and addresses.',
    )
    entries_file: str = Field("", description="A CSV file with the entries in its first column, instead of `entries`.")
    description: str = Field("", max_length=MAX_DESCRIPTION, description="For people.")


class ComplianceException(_Table):
    """An entry that a compliance setting spares until a day."""

    entry: str = Field(description="A domain, subdomains or an address.")
    until: datetime.date = Field(description="The last day of the exception.")
    reason: str = Field(max_length=MAX_DESCRIPTION, description="Why; it shows in the audit log.")


class TlsCompliance(_Table):
    """A secure transport (TLS) compliance setting: requires TLS for mail to or from address lists."""

    name: Name = Field(description="Its name.")
    unit: str = Field("/", description="The organizational unit that it is set for; units below inherit it.")
    applies_to: AppliesTo = Field(
        "outbound",
        description='"inbound", "outbound", or "outbound-required-elsewhere": adds its certificate checks to mail '
        "whose secure transport another setting or the sender requires.",
    )
    lists: tuple[str, ...] = Field((), description="The address lists that it applies to.")
    all: Flag = Field(False, description="Apply to all messages instead of to lists.")
    require_ca: Flag = Field(True, description="The receiver's certificate must be signed by a trusted CA.")
    validate_hostname: Flag = Field(True, description="The receiver's certificate must name the server.")
    min_tls: MinTls = Field("1.2", description="The lowest TLS version.")
    overrides: Name = Field("", description="The name of an inherited setting that this one replaces in its unit.")
    pin: Pins = Field((), description="SHA-256 of the public key, one or several: 64 hex digits or sha256:BASE64.")
    ca_file: str = Field("", description="Absolute path, on every node, of a CA bundle to trust instead (PEM).")
    match: tuple[str, ...] = Field(
        (), description="Names, one of which the certificate must bear instead of the server's."
    )
    dane_satisfies: Flag = Field(True, description="A matching TLSA record stands in for CA and host name.")
    exceptions: tuple[ComplianceException, ...] = Field((), description="Entries spared until a day.")
    description: str = Field("", max_length=MAX_DESCRIPTION, description="For people.")


class RuleMatch(_Table):
    """The conditions of a routing rule; all that are given must hold."""

    header: str = Field("", description="The name of a header field; goes with `contains`.")
    contains: str = Field("", max_length=4_000, description="Text that the field contains, whatever its case.")
    sender: str = Field("", description="A domain, subdomains or an address of the envelope sender.")
    recipient: str = Field("", description="A domain, subdomains or an address of the recipient.")
    list: str = Field("", description="An address list that holds the recipient.")
    larger_than: Whole = Field(0, ge=0, description="The message is larger than this many bytes; 0 is any size.")


class RoutingRule(_Table):
    """A routing rule: conditions, and what to do with messages that meet them."""

    name: Name = Field(description="Its name.")
    unit: str = Field("/", description="The organizational unit that it is set for; units below inherit it.")
    match: RuleMatch = Field(description="Its conditions.")
    action: Literal["require-secure-transport"] = Field(
        "require-secure-transport", description="Require secure transport (TLS) for onward delivery."
    )
    overrides: Name = Field("", description="The name of an inherited rule that this one replaces in its unit.")
    description: str = Field("", max_length=MAX_DESCRIPTION, description="For people.")


class AlternateSecureRoute(_Table):
    """Sends mail over a host when secure transport is required."""

    unit: str = Field("/", description="The organizational unit that it is set for; the nearest unit's route counts.")
    enabled: Flag = Field(True, description="Use an alternate route when secure transport is required.")
    host: Name = Field("", description="The host that the mail goes over.")
    when: RouteWhen = Field(
        "required",
        description='"required": always; "unlisted": unless an address list of a compliance setting names the '
        'recipient; "on-failure": when the recipient\'s own servers fail to give secure transport.',
    )
    divert_destination_policy: Flag = Field(
        False, description="Also divert mail whose secure transport only the destination's own policy requires."
    )
    description: str = Field("", max_length=MAX_DESCRIPTION, description="For people.")


class Account(_Table):
    """A person, application or printer that submits mail."""

    name: Name = Field(description="The name that it authenticates with, exactly as written.")
    unit: str = Field("/", description="The organizational unit whose settings apply to its mail.")
    addresses: tuple[str, ...] = Field(
        (),
        max_length=MAX_SETTINGS,
        description="The senders that it may use: addresses, and own domains for all addresses of them.",
    )
    rate: str = Field(
        "", description='How many messages it may send in a time, such as "100/1h"; empty is as many as it likes.'
    )
    description: str = Field("", max_length=MAX_DESCRIPTION, description="For people.")


class Dkim(_Table):
    """A domain whose mail is signed (DKIM, RFC 6376) as it leaves."""

    domain: Name = Field(description="A domain of the organization: mail that has it in its From field is signed.")
    selector: str = Field(
        description="Under SELECTOR._domainkey.DOMAIN the public key is published in DNS, as a TXT record."
    )
    key_secret: str = Field(description="The name of the secret that holds the private key: RSA, PEM, not encrypted.")
    description: str = Field("", max_length=MAX_DESCRIPTION, description="For people.")


class Document(_Table):
    """All settings of the organization."""

    organization: Organization = Field(default_factory=Organization, description="The organization as a whole.")
    unit: tuple[Unit, ...] = Field((), max_length=MAX_SETTINGS, description="Organizational units.")
    host: tuple[Host, ...] = Field((), max_length=MAX_SETTINGS, description="Hosts (mail routes).")
    address_list: tuple[AddressList, ...] = Field((), max_length=MAX_LISTS, description="Address lists.")
    tls_compliance: tuple[TlsCompliance, ...] = Field(
        (), max_length=MAX_SETTINGS, description="Secure transport (TLS) compliance settings."
    )
    routing_rule: tuple[RoutingRule, ...] = Field((), max_length=MAX_SETTINGS, description="Routing rules.")
    alternate_secure_route: tuple[AlternateSecureRoute, ...] = Field(
        (), max_length=MAX_SETTINGS, description="Alternate secure routes."
    )
    account: tuple[Account, ...] = Field((), max_length=MAX_ENTRIES, description="Submission accounts.")
    dkim: tuple[Dkim, ...] = Field((), max_length=MAX_SETTINGS, description="Domains whose mail is signed (DKIM).")
