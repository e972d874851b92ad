"""SIGHUP: a renewed certificate is taken into use, and nobody is cut off for it."""

import signal
import smtplib
import ssl
from pathlib import Path

import trustme

from tests.node.running import RunningNode

NAME = "gate.corp.test"


def write_pair(folder: Path, authority: trustme.CA) -> None:
    pair = authority.issue_cert(NAME)
    (folder / "gate.pem").write_bytes(b"".join(blob.bytes() for blob in pair.cert_chain_pems))
    (folder / "gate.key").write_bytes(pair.private_key_pem.bytes())


def serial(port: int) -> str:
    """Of the certificate that a new connection is shown."""
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        return shown(client)


def shown(client: smtplib.SMTP) -> str:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client.starttls(context=context)
    assert isinstance(client.sock, ssl.SSLSocket)
    certificate = client.sock.getpeercert(binary_form=True)
    assert certificate
    return str(ssl.DER_cert_to_PEM_cert(certificate))


def test_certificate_renewed_without_dropping_connections(node: RunningNode) -> None:
    authority = trustme.CA()
    write_pair(node.folder, authority)
    node.config.write_text(node.config.read_text() + '[tls]\ncertificate = "gate.pem"\nkey = "gate.key"\n')
    node.start()
    port = node.port()
    before = serial(port)
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as connected:
        connected.ehlo()
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as encrypted:
            assert shown(encrypted) == before
            write_pair(node.folder, authority)
            node.signal(signal.SIGHUP)
            node.until(lambda: node.said("was read again"), "the certificate is read again")
            renewed = serial(port)
            assert renewed != before
            assert encrypted.noop()[0] == 250
            assert shown(connected) == renewed

    (node.folder / "gate.key").write_text("garbage")
    node.signal(signal.SIGHUP)
    node.until(lambda: node.said("stays in use"), "the bad pair is told")
    assert f"key {node.folder / 'gate.key'} cannot be used" in node.log()
    assert serial(port) == renewed
    assert node.stop() == 0
