"""An organization to decide for: its settings, and mail as the look-ups would describe it.

unit               senders                            in force there
/                  everybody else                     Partners need TLS, Lawyer by key, Checks on demand, routing rules
/Finance           @finance.corp.test, cfo@corp.test  these, and All of Finance (any recipient, TLS 1.3)
/Finance/Payroll   payroll@corp.test                  the same, inherited
/Lab               @lab.corp.test                     a laxer setting in place of Partners need TLS
/Field             @field.corp.test                   what / has, but no alternate secure route
"""

from functools import cache
from typing import Any

from percorso.core.mail.address import match_keys, parse_address, parse_entry
from percorso.core.policy.compile import compile_settings
from percorso.core.policy.facts import Facts, HeaderField, ListMatch
from percorso.core.policy.settings import Settings
from percorso.core.settings.schema import Document
from percorso.core.settings.toml import read_toml
from percorso.core.settings.validation import check_tables

DOCUMENT = """
[organization]
name = "Corp"
domains = ["corp.test", ".corp.test"]
min_tls = "1.2"

[[unit]]
path = "/Finance"
senders = ["finance.corp.test", "cfo@corp.test"]

[[unit]]
path = "/Finance/Payroll"
senders = ["payroll@corp.test"]

[[unit]]
path = "/Lab"
senders = ["lab.corp.test"]

[[unit]]
path = "/Field"
senders = ["field.corp.test"]

[[host]]
name = "encryptor"
primary = [{ address = "gw1.corp.test" }]
min_tls = "1.3"

[[host]]
name = "vault"
primary = [{ address = "vault.corp.test" }]

[[address_list]]
name = "partners"
entries = ["bank.test", ".bank.test", "audit@partner.test"]

[[address_list]]
name = "pinned"
entries = ["lawyer.test"]

[[tls_compliance]]
name = "Partners need TLS"
lists = ["partners"]

[[tls_compliance]]
name = "Lawyer by key"
lists = ["pinned"]
require_ca = false
validate_hostname = false
pin = "1111111111111111111111111111111111111111111111111111111111111111"

[[tls_compliance]]
name = "Checks on demand"
applies_to = "outbound-required-elsewhere"
all = true
validate_hostname = false

[[tls_compliance]]
name = "All of Finance"
unit = "/Finance"
all = true
require_ca = false
validate_hostname = false
min_tls = "1.3"

[[tls_compliance]]
name = "Partners of the lab"
unit = "/Lab"
overrides = "Partners need TLS"
lists = ["partners"]
require_ca = false
validate_hostname = false

[[routing_rule]]
name = "Secure by subject"
match = { header = "Subject", contains = "[secure]" }

[[routing_rule]]
name = "Authorities"
match = { recipient = ".gov.test" }

[[routing_rule]]
name = "Large mail of the CEO"
match = { sender = "ceo@corp.test", larger_than = 1000000 }

[[routing_rule]]
name = "Notary"
match = { recipient = "notary@law.test" }

[[alternate_secure_route]]
host = "encryptor"
when = "WHEN"

[[alternate_secure_route]]
unit = "/Field"
enabled = false
"""


def settings(when: str = "required", *, extra: str = "", text: str = DOCUMENT) -> Settings:
    """The compiled settings, with this meaning of the alternate secure route, and with more tables."""
    return compile_settings(document(text.replace("WHEN", when) + extra), version=7)


def document(text: str) -> Document:
    """A settings document; it has to be a valid one."""
    checked = check_tables(read_toml(text))
    assert checked.document, checked.problems
    return checked.document


def mail(sender: str, to: str, *, lists: str = DOCUMENT, **facts: Any) -> Facts:
    """The facts of a message, with the address lists of a settings text looked up."""
    recipient = parse_address(to)
    return Facts(
        sender=parse_address(sender) if sender else None,
        recipient=recipient,
        recipient_lists=_lists(lists, match_keys(recipient)),
        **facts,
    )


def field(name: str, raw: str, decoded: str | None = "") -> HeaderField:
    """One occurrence of a header field, which decodes to itself unless told otherwise."""
    return HeaderField(name=name.lower(), raw=raw, decoded=raw if decoded == "" else decoded)


@cache
def _lists(text: str, keys: tuple[str, ...]) -> tuple[ListMatch, ...]:
    matches = []
    for table in read_toml(text)["address_list"]:
        entries = {parse_entry(entry) for entry in table["entries"]}
        matches += [ListMatch(name=table["name"], entry=key) for key in keys if key in entries][:1]
    return tuple(matches)
