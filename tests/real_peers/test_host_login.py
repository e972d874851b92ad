"""A host that wants to know who we are: a real Exim asks for a password, over PLAIN or LOGIN, and for a certificate."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from percorso.lab.dns_server import DnsServer
from tests.node.running import RunningNode
from tests.peers import requires_peer
from tests.real_peers.exim import EximInstance

PASSWORD = "tàlpa 1234"
MESSAGE = "From: anna@corp.test\r\nTo: bob@bank.test\r\nSubject: over the host\r\n\r\nHello.\r\n"
CONFIGURATION = """\
[node]
name = "gate.corp.test"
data_dir = "data"
grace = "5s"

[[listener]]
address = "127.0.0.1:0"

[dns]
servers = ["127.0.0.1:{dns}"]

[console]
address = "127.0.0.1:0"
"""
SETTINGS = """\
[organization]
domains = ["corp.test"]

[[host]]
name = "encryptor"
primary = [{{ address = "mx.test", port = {port} }}]
ca_file = "{ca_file}"
username = "us"
password_secret = "encryptor-password"
client_certificate_secret = "our-certificate"

[[tls_compliance]]
name = "Everything secure"
all = true

[[alternate_secure_route]]
host = "encryptor"
"""
AUTHENTICATORS = {
    "plain": """
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if and {{{{eq{{$auth2}}{{us}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
""",
    "login": """
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${{if and {{{{eq{{$auth1}}{{us}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
""",
}


class StrictExim(EximInstance):
    """Takes mail only from who authenticated by this mechanism and shows a certificate of the authority."""

    def __init__(self, mechanism: str, chain_file: Path, authority: trustme.CA) -> None:
        settings = {
            "acl_smtp_mail": "known",
            "tls_verify_hosts": "*",
            "auth_advertise_hosts": "${if eq{$tls_in_cipher}{}{}{*}}",
            "log_selector": "+tls_peerdn +tls_certificate_verified",
        }
        super().__init__(domains=["bank.test"], chain_file=chain_file, settings=settings)
        self._options["tls_verify_certificates"] = f"{self.directory}/trusted.pem"
        self._authority = authority
        self._mechanism = mechanism

    def _write_configuration(self) -> None:
        super()._write_configuration()
        trusted = self.directory / "trusted.pem"
        self._authority.cert_pem.write_to_path(str(trusted))
        trusted.chmod(0o644)
        file = self.directory / "exim.conf"
        known = "begin acl\nknown:\n  accept authenticated = *\n  deny message = who are you?\n"
        authenticators = AUTHENTICATORS[self._mechanism].format(password=PASSWORD)
        text = file.read_text().replace("begin acl\n", known)
        file.write_text(f"{text}\nbegin authenticators\n{authenticators}")


@asynccontextmanager
async def gateway(node: RunningNode, exim: EximInstance, authority: trustme.CA) -> AsyncIterator[None]:
    """The node serves, and all of its mail goes over the host."""
    ca_file, ours = node.folder / "ca.pem", authority.issue_cert("gate.corp.test")
    authority.cert_pem.write_to_path(str(ca_file))
    (node.folder / "certificate").write_bytes(ours.private_key_and_cert_chain_pem.bytes())
    (node.folder / "password").write_text(f"{PASSWORD}\n")
    (node.folder / "settings.toml").write_text(SETTINGS.format(port=exim.port, ca_file=ca_file))
    dns = DnsServer({("mx.test", "A"): (exim.host,)})
    node.config.write_text(CONFIGURATION.format(dns=await dns.start()))
    for arguments in (
        ("secret", "set", "encryptor-password", "--file", "password"),
        ("secret", "set", "our-certificate", "--file", "certificate"),
        ("settings", "apply", "settings.toml"),
    ):
        await asyncio.to_thread(node.verb, *arguments)
    await asyncio.to_thread(node.start)
    try:
        yield
    finally:
        await asyncio.to_thread(node.stop)
        await dns.stop()


def hand_in(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("anna@corp.test", ["bob@bank.test"], MESSAGE)


@requires_peer("exim")
@pytest.mark.parametrize("mechanism", AUTHENTICATORS)
async def test_exim_hears_who_we_are(
    node: RunningNode, chain_file: Path, authority: trustme.CA, mechanism: str
) -> None:
    with StrictExim(mechanism, chain_file, authority) as exim:
        async with gateway(node, exim, authority):
            await asyncio.to_thread(hand_in, node.port())
            (arrived,) = await asyncio.to_thread(exim.wait_for, 1)
        log = exim.log()
    received = " ".join(arrived.message.get_all("Received", [])[0].split())
    assert "with esmtpsa" in received
    assert f"A={mechanism}:us" in log
    assert "CV=yes" in log
    assert PASSWORD not in node.log()
