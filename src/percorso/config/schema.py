"""What `percorso.toml` may say: every section and key, with its default.

The defaults together are the embedded configuration of a node without a file: SMTP on 127.0.0.1:2525 for
this machine, TLS by a self-signed pair, data in ./var. Spans of time are written "30s", "5m", "24h" or
"5d" and kept in seconds. The texts of the fields are the configuration reference.
"""

import socket
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from percorso.core.settings.duration import seconds

LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
ANYWHERE: Final = ("0.0.0.0/0", "::/0")


def _seconds(value: object) -> object:
    return seconds(value) if isinstance(value, str) else value


Duration = Annotated[float, BeforeValidator(_seconds)]
"""Seconds."""
Port = Annotated[int, Field(ge=0, le=65535)]


class _Section(BaseModel):
    """What all sections share: an unknown key is an error, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Node(_Section):
    """This machine."""

    name: str = Field(
        default_factory=socket.gethostname,
        description="Its host name: in the greeting, in EHLO and in the evidence. Default: what the machine says.",
    )
    data_dir: Path = Field(Path("var"), description="Where queue, settings and evidence are kept.")
    user: str = Field("", description="The user to run as, once the ports are bound; for a node that root starts.")
    workers: int = Field(1, ge=1, le=256, description="Processes that take in and deliver mail.")
    grace: Duration = Field(30.0, description="How long deliveries under way may take to end when the node stops.")


class Store(_Section):
    """Where data is kept."""

    url: str = Field(
        "sqlite:///", description="sqlite:///FOLDER, relative to data_dir (four slashes: absolute). Default: data_dir."
    )


class Listener(_Section):
    """An address that takes in mail."""

    address: str = Field("127.0.0.1:2525", description='"HOST:PORT"; IPv6 in brackets: "[::]:25".')
    role: Literal["relay", "submission", "inbound"] = Field(
        "relay", description='"relay": for servers of its networks; "submission": for accounts, with AUTH over TLS.'
    )
    tls: Literal["none", "starttls", "implicit"] = Field("starttls", description="How TLS begins.")
    networks: tuple[str, ...] = Field(
        default_factory=lambda given: ANYWHERE if given.get("role") == "submission" else LOOPBACK,
        description="Clients that it serves. Default: this machine's; for submission, everyone's.",
    )
    allow_foreign_senders: bool = Field(
        False, description="Also take senders of other organizations, such as mail that is forwarded; for relay only."
    )
    allow_plaintext: bool = Field(False, description='Needed for tls = "none" on an address off loopback.')


class Limits(_Section):
    """How much one client may ask of a listener."""

    max_size: int = Field(50 * 1024 * 1024, ge=65_536, description="Bytes of one message.")
    max_recipients: int = Field(1_000, ge=100, description="Recipients of one message.")
    max_line: int = Field(1_000, ge=1_000, le=1_000_000, description="Bytes of one line of content, with its CRLF.")
    max_errors: int = Field(20, ge=1, description="Refused commands before the connection is closed.")
    max_connections: int = Field(10_000, ge=1, description="Connections at once, of each worker.")
    max_connections_per_client: int = Field(
        500, ge=1, description="Connections at once from one address, of each worker."
    )
    idle_timeout: Duration = Field(300.0, description="Silence after which a connection is closed.")


class Tls(_Section):
    """Our certificate, and whom we trust."""

    certificate: Path | None = Field(None, description="Our certificate with its chain (PEM). Default: self-signed.")
    key: Path | None = Field(None, description="Its key (PEM).")
    ca_file: Path | None = Field(None, description="CAs to trust instead of the system's (PEM).")


class Dns(_Section):
    """How names are looked up."""

    servers: tuple[str, ...] = Field((), description='"IP:port" of each resolver. Default: the system\'s.')
    trust_ad: bool = Field(False, description="Believe that these resolvers validate DNSSEC, also off loopback.")
    probe_valid: str = Field("", description="A signed name, looked up to see that DNSSEC works.")
    probe_bogus: str = Field("", description="A name with a broken signature, that must not resolve.")


class Delivery(_Section):
    """How mail leaves."""

    port: Port = Field(25, description="The port of recipients' servers; another one only in trials.")
    source_addresses: tuple[str, ...] = Field((), description="Local addresses to deliver from.")
    ipv6: bool = Field(True, description="Deliver over IPv6 too.")
    rates: dict[str, str] = Field(
        default_factory=dict,
        description='Messages in a span of time, such as { "bank.test" = "100/1m" }, by recipient domain; "host NAME" '
        'is a host of the settings, "*" every other domain. What is over waits for its turn.',
    )
    concurrency: int = Field(20, ge=1, description="Connections at once to one destination, of each worker.")
    deny_networks: tuple[str, ...] = Field(
        (), description="Addresses that no MX record can bring mail to, such as those of the own network."
    )
    connect_timeout: Duration = Field(30.0, description="For a TCP connection.")
    tls_timeout: Duration = Field(60.0, description="For a TLS handshake.")
    reply_timeout: Duration = Field(600.0, description="The longest wait for a reply; RFC 5321, 4.5.3.2 may set less.")
    idle_timeout: Duration = Field(30.0, description="How long a connection is kept for the next message.")


class Console(_Section):
    """The Admin console and the API."""

    address: str = Field("127.0.0.1:8025", description='"HOST:PORT".')
    public_url: str = Field("", description="The address that browsers use.")
    certificate: Path | None = Field(None, description="Its certificate with its chain (PEM).")
    key: Path | None = Field(None, description="Its key (PEM).")
    trusted_proxies: tuple[str, ...] = Field((), description="Networks of proxies whose word on the client counts.")


class Log(_Section):
    """What the node says while it runs, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is told.")
    format: Literal["text", "json"] = Field("text", description="For people, or for machines.")


class Retention(_Section):
    """How long records are kept."""

    evidence: Duration = Field(0.0, description="Default: for ever.")


class Alerts(_Section):
    """From where on administrators are alerted; the settings say who."""

    queued: int = Field(10_000, ge=1, description="Recipients in the queue.")
    oldest: Duration = Field(172_800.0, description="The wait of the oldest message in the queue.")
    disk_free: int = Field(10, ge=1, le=90, description="Percent of the disk of data_dir that ought to be free.")
    certificate: Duration = Field(1_209_600.0, description="The rest of our certificate's validity.")
    webhook_networks: tuple[str, ...] = Field(
        (), description="Private networks that the settings' alert_webhook may lead to."
    )


class Configuration(_Section):
    """The configuration of one node."""

    node: Node = Field(default_factory=Node, description="This machine.")
    store: Store = Field(default_factory=Store, description="Where data is kept.")
    listener: tuple[Listener, ...] = Field((Listener(),), description="Addresses that take in mail.")
    limits: Limits = Field(default_factory=Limits, description="How much one client may ask.")
    tls: Tls = Field(default_factory=Tls, description="Our certificate, and whom we trust.")
    dns: Dns = Field(default_factory=Dns, description="How names are looked up.")
    delivery: Delivery = Field(default_factory=Delivery, description="How mail leaves.")
    console: Console = Field(default_factory=Console, description="The Admin console and the API.")
    log: Log = Field(default_factory=Log, description="What the node says while it runs.")
    alerts: Alerts = Field(default_factory=Alerts, description="From where on administrators are alerted.")
    retention: Retention = Field(default_factory=Retention, description="How long records are kept.")

    @property
    def store_dir(self) -> Path:
        """The folder of the embedded store."""
        return self.node.data_dir / self.store.url.removeprefix("sqlite:///")
