"""The settings of the trial: one document, four units, each with the settings of one column."""

from percorso.lab.expectations import SETTINGS
from percorso.lab.scenery import ENCRYPTOR, MAILSTORE

_DOCUMENT = """\
[organization]
name = "Trial"
domains = {domains}
inbound_host = "mailstore"

[[host]]
name = "mailstore"
primary = [{{ address = "{mailstore}", port = {port}, load = 100 }}]

[[host]]
name = "encryptor"
primary = [{{ address = "{encryptor}", port = {port}, load = 100 }}]
{units}
[[tls_compliance]]
name = "TLS for all of Required"
unit = "/Required"
all = true

[[tls_compliance]]
name = "TLS for all of Always"
unit = "/Always"
all = true

[[tls_compliance]]
name = "TLS for all of Fallback"
unit = "/Fallback"
all = true

[[alternate_secure_route]]
unit = "/Always"
host = "encryptor"
when = "required"

[[alternate_secure_route]]
unit = "/Fallback"
host = "encryptor"
when = "on-failure"
"""
_UNIT = """
[[unit]]
path = "{unit}"
senders = ["{domain}"]
"""


def document(port: int) -> str:
    """The document, TOML; `port` is that of every server."""
    units = "".join(_UNIT.format(unit=setting.unit, domain=setting.domain) for setting in SETTINGS)
    domains = "[" + ", ".join(f'"{setting.domain}"' for setting in SETTINGS) + "]"
    return _DOCUMENT.format(domains=domains, mailstore=MAILSTORE, encryptor=ENCRYPTOR, port=port, units=units)
