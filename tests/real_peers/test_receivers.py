"""The real peers themselves: they take mail, in plaintext and over TLS, count it, and leave nothing behind."""

import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.peers import requires_peer
from tests.real_peers.exim import EximInstance
from tests.real_peers.foreground import accepts_connections
from tests.real_peers.postfix import PostfixInstance
from tests.real_peers.receiver import Receiver

MESSAGE = "From: a@corp.test\r\nSubject: hello\r\n\r\nOne line.\r\n"
KINDS = [
    pytest.param(PostfixInstance, marks=requires_peer("postfix"), id="postfix"),
    pytest.param(EximInstance, marks=requires_peer("exim"), id="exim"),
]


@pytest.fixture(params=KINDS)
def receiver(request: pytest.FixtureRequest, chain_file: Path) -> Iterator[Receiver]:
    with request.param(domains=["bank.test"], chain_file=chain_file) as running:
        yield running


def test_each_recipient_gets_one_copy(receiver: Receiver) -> None:
    with smtplib.SMTP(receiver.host, receiver.port) as client:
        client.sendmail("a@corp.test", ["b@bank.test", "c@bank.test"], MESSAGE)
    arrived = receiver.wait_for(2)
    assert sorted(copy.recipient for copy in arrived) == ["b@bank.test", "c@bank.test"]
    assert {copy.sender for copy in arrived} == {"a@corp.test"}
    assert {copy.message["Subject"] for copy in arrived} == {"hello"}
    assert all(copy.raw.endswith(b"\n\nOne line.\n") for copy in arrived)
    assert {copy.tls for copy in arrived} == {None}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_tls_version_is_seen(receiver: Receiver, authority: trustme.CA, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.check_hostname = False  # the test connects by address; the chain is checked
    context.minimum_version = context.maximum_version = version
    with smtplib.SMTP(receiver.host, receiver.port) as client:
        client.starttls(context=context)
        client.sendmail("", ["b@bank.test"], MESSAGE)
    (copy,) = receiver.wait_for(1)
    assert copy.tls == version.name.replace("_", ".")
    assert copy.sender == ""


def test_other_domains_are_refused(receiver: Receiver) -> None:
    with smtplib.SMTP(receiver.host, receiver.port) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail("a@corp.test", ["b@elsewhere.test"], MESSAGE)
    assert receiver.arrived() == []


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_certificate_there_is_no_starttls(kind: type[PostfixInstance | EximInstance]) -> None:
    with kind(domains=["bank.test"]) as plain:
        with smtplib.SMTP(plain.host, plain.port) as client:
            client.ehlo()
            assert not client.has_extn("STARTTLS")
        address, directory = (plain.host, plain.port), plain.directory
    assert not directory.exists()
    assert not accepts_connections(address)


@pytest.mark.parametrize("kind", KINDS)
def test_more_mail_than_expected_is_told(kind: type[PostfixInstance | EximInstance]) -> None:
    with kind(domains=["bank.test"]) as plain:
        with smtplib.SMTP(plain.host, plain.port) as client:
            client.sendmail("a@corp.test", ["b@bank.test", "c@bank.test"], MESSAGE)
        plain.wait_for(2)
        with pytest.raises(AssertionError, match="2 messages arrived, expected 1"):
            plain.wait_for(1)


@requires_peer("postfix")
def test_postfix_takes_settings_as_they_are() -> None:
    with PostfixInstance(domains=["bank.test"], settings={"smtpd_discard_ehlo_keywords": "chunking, dsn"}) as postfix:
        with smtplib.SMTP(postfix.host, postfix.port) as client:
            client.ehlo()
            assert not client.has_extn("CHUNKING")
            assert client.has_extn("SIZE")
        assert postfix.queued() == ""


@requires_peer("postfix")
def test_postfix_can_be_the_sender() -> None:
    with PostfixInstance(domains=["bank.test"]) as receiver:
        relaying = {
            "default_transport": "smtp",
            "relayhost": f"[{receiver.host}]:{receiver.port}",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
        }
        with PostfixInstance(domains=["corp.test"], hostname="out.test", settings=relaying) as sender:
            with smtplib.SMTP(sender.host, sender.port) as client:
                client.sendmail("a@corp.test", ["b@bank.test"], MESSAGE)
            (copy,) = receiver.wait_for(1)
    assert len(copy.message.get_all("Received", [])) == 2


@requires_peer("postfix")
@requires_peer("swaks")
def test_swaks_talks_to_postfix_over_tls(chain_file: Path) -> None:
    with PostfixInstance(domains=["bank.test"], chain_file=chain_file) as postfix:
        server = f"{postfix.host}:{postfix.port}"
        subprocess.run(
            ["swaks", "--server", server, "--tls", "--from", "a@corp.test", "--to", "b@bank.test"],
            check=True,
            capture_output=True,
            timeout=30,
        )
        (copy,) = postfix.wait_for(1)
    assert copy.tls == "TLSv1.3"
