"""The notice that a sender gets, read as another mail system would read it."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import parsedate_to_datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.delivery.dsn import MAX_HEAD, write_notice
from percorso.core.delivery.report import Kind, Letterhead, Report, Reported
from percorso.core.mail.address import Address, parse_address, parse_path
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient, RecipientParameters
from percorso.core.mail.reply import Reply
from percorso.core.smtp.data import from_wire
from percorso.core.tls.requirement import IdentityClause, Requirement
from percorso.core.tls.result import FailureType, SecureTransportFailure

LETTERHEAD = Letterhead(
    organization="Corp", reporting_mta="mx.corp.test", message_id="<n1@mx.corp.test>", boundary="=_b1", date=1.8e9
)
HEAD = b"From: Alice <alice@corp.test>\r\nMessage-ID: <m1@corp.test>\r\nSubject: Offer\r\n"
INSECURE = Reported(
    recipient=EnvelopeRecipient(address=parse_address("bob@bank.test")),
    reply=Reply(
        code=451, enhanced="4.7.4", text="The mail server mx1.bank.test does not offer an encrypted connection"
    ),
    requirement=Requirement(encrypted=True, min_version=0x0303, identity=(IdentityClause(ca=True),)),
    failure=SecureTransportFailure(type=FailureType.STARTTLS_NOT_SUPPORTED, detail="not offered"),
    server="mx1.bank.test",
    last_attempt=1.8e9,
)
REFUSED = Reported(
    recipient=EnvelopeRecipient(address=parse_address("carl@shop.test")),
    reply=Reply(code=550, enhanced="5.1.1", text="No such user"),
    server="mx.shop.test",
    server_replied=True,
)


def report(
    *recipients: Reported,
    kind: Kind = Kind.FAILED,
    sender: str = "alice@corp.test",
    head: bytes = HEAD,
    envid: str = "",
) -> Report:
    envelope = Envelope(sender=parse_path(sender), envid=envid)
    return Report(kind=kind, queue_id="Q1", envelope=envelope, accepted_at=1.7e9, head=head, recipients=recipients)


def asking(one: Reported, *notify: str, orcpt: str = "") -> Reported:
    parameters = RecipientParameters(notify=notify, orcpt=orcpt)
    return msgspec.structs.replace(one, recipient=msgspec.structs.replace(one.recipient, parameters=parameters))


def read(about: Report) -> EmailMessage:
    text = write_notice(about, LETTERHEAD)
    assert text
    message = message_from_bytes(from_wire(text), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def parts(about: Report) -> tuple[str, list[EmailMessage], str]:
    text, status, head = read(about).iter_parts()
    blocks = [block for block in status.get_payload() if isinstance(block, EmailMessage)]
    raw = head.get_payload(decode=True)
    assert isinstance(raw, bytes)
    return text.get_content(), blocks, raw.decode().replace("\r\n", "\n")


def test_form() -> None:
    notice = read(report(INSECURE))
    assert notice.get_content_type() == "multipart/report"
    assert notice["Content-Type"].params["report-type"] == "delivery-status"
    types = [part.get_content_type() for part in notice.iter_parts()]
    assert types == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert notice["To"] == "alice@corp.test"
    assert notice["From"].addresses[0].addr_spec == "MAILER-DAEMON@mx.corp.test"
    assert notice["Auto-Submitted"] == "auto-replied"
    assert notice["Message-ID"] == "<n1@mx.corp.test>"
    assert notice["Date"].datetime.timestamp() == 1.8e9
    assert not notice.defects


def test_status_for_machines() -> None:
    _, (message, first, second), _ = parts(
        report(asking(INSECURE, orcpt="rfc822;bob+2Balias@bank.test"), REFUSED, envid="QQ+2B314")
    )
    assert message["Reporting-MTA"] == "dns; mx.corp.test"
    assert message["Original-Envelope-Id"] == "QQ+314"
    assert first["Original-Recipient"] == "rfc822; bob+alias@bank.test"
    assert first["Final-Recipient"] == "rfc822; bob@bank.test"
    assert (first["Action"], first["Status"]) == ("failed", "5.7.4")
    assert first["Remote-MTA"] == "dns; mx1.bank.test"
    assert first["Diagnostic-Code"] == "x-percorso; starttls-not-supported: not offered"
    assert second["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user"
    assert second["Status"] == "5.1.1"


def test_a_delay_tells_how_long_it_is_tried() -> None:
    waiting = msgspec.structs.replace(INSECURE, retry_until=1.8e9 + 3600)
    _, (_, block), _ = parts(report(waiting, kind=Kind.DELAYED))
    assert (block["Action"], block["Status"]) == ("delayed", "4.7.4")
    assert parsedate_to_datetime(block["Will-Retry-Until"]).timestamp() == 1.8e9 + 3600


def test_what_was_passed_on() -> None:
    taken = msgspec.structs.replace(REFUSED, reply=Reply(code=250, enhanced="2.0.0", text="queued"))
    _, (_, block), _ = parts(report(asking(taken, "SUCCESS"), kind=Kind.RELAYED))
    assert (block["Action"], block["Status"]) == ("relayed", "2.1.9")
    assert block["Remote-MTA"] == "dns; mx.shop.test"
    assert "Will-Retry-Until" not in block


def test_an_original_utf8_address_keeps_the_encoding_of_its_field() -> None:
    one = asking(INSECURE, orcpt=r"utf-8;j\x{F6}rg@bank.test")
    assert parts(report(one))[1][1]["Original-Recipient"] == r"utf-8; j\x{F6}rg@bank.test"  # RFC 6533, 3


def test_reply_without_enhanced_code_has_a_status_all_the_same() -> None:
    bare = msgspec.structs.replace(REFUSED, reply=Reply(code=550, text="no"))
    assert parts(report(bare))[1][1]["Status"] == "5.0.0"


def test_header_comes_back_and_no_body() -> None:
    assert parts(report(INSECURE))[2].strip() == HEAD.decode().replace("\r\n", "\n").strip()


def test_dots_of_the_wire_are_undone_and_done_again() -> None:
    head = HEAD + b"..x: y\r\n"
    text = write_notice(report(INSECURE, head=head), LETTERHEAD)
    assert text
    assert b"\r\n..x: y\r\n" in text
    assert "\n.x: y" in parts(report(INSECURE, head=head))[2]


def test_long_header_is_cut_at_a_line() -> None:
    head = HEAD + b"X-Long: " + b"y" * 60 + b"\r\n" + (b"X-More: " + b"z" * 60 + b"\r\n") * 2000
    returned = parts(report(INSECURE, head=head))[2]
    assert len(returned) <= MAX_HEAD
    assert returned.rstrip("\n").endswith("z" * 60)


@pytest.mark.parametrize("head", [b"Subject: \xc3\xa9t\xc3\xa9 = x\r\n", b"X: " + b"y" * 2000 + b"\r\n"])
def test_header_that_is_not_plain_ascii_travels_in_seven_bits(head: bytes) -> None:
    text = write_notice(report(INSECURE, head=head), LETTERHEAD)
    assert text
    assert text.isascii()
    assert max(map(len, text.split(b"\r\n"))) <= 998
    assert parts(report(INSECURE, head=head))[2].strip() == head.decode().strip()


def test_null_sender_gets_none() -> None:
    assert write_notice(report(INSECURE, sender=""), LETTERHEAD) is None


@pytest.mark.parametrize(
    ("notify", "kinds"),
    [
        ((), {Kind.FAILED, Kind.DELAYED}),
        (("NEVER",), set()),
        (("SUCCESS",), {Kind.RELAYED}),
        (("SUCCESS", "DELAY"), {Kind.RELAYED, Kind.DELAYED}),
        (("FAILURE",), {Kind.FAILED}),
    ],
)
def test_notify_is_respected(notify: tuple[str, ...], kinds: set[Kind]) -> None:
    told = {kind for kind in Kind if write_notice(report(asking(INSECURE, *notify), kind=kind), LETTERHEAD)}
    assert told == kinds


def test_only_those_who_asked_are_told_of() -> None:
    text, blocks, _ = parts(report(asking(INSECURE, "NEVER"), REFUSED))
    assert "bob@bank.test" not in text
    assert len(blocks) == 2


def test_international_addresses() -> None:
    one = msgspec.structs.replace(INSECURE, recipient=EnvelopeRecipient(address=parse_address("jörg@bank.test")))
    about = report(one, sender="zoë@corp.test")
    assert "\r\nTo: zoë@corp.test\r\n".encode() in (write_notice(about, LETTERHEAD) or b"")  # RFC 6532, 3.2
    text, (_, block), _ = parts(about)
    assert "    jörg@bank.test" in text.splitlines()
    assert block["Final-Recipient"] == r"utf-8; j\x{F6}rg@bank.test"  # RFC 6533, 3


def test_quoted_local_part() -> None:
    assert read(report(INSECURE, sender='"a b"@corp.test'))["To"].addresses[0].addr_spec == '"a b"@corp.test'


@given(st.text(max_size=200), st.text(max_size=80))
def test_peers_words_cannot_become_fields_or_end_the_message(words: str, envid: str) -> None:
    one = msgspec.structs.replace(REFUSED, reply=Reply(code=550, enhanced="5.1.1", text=words))
    text = write_notice(report(one, envid=envid), LETTERHEAD)
    assert text
    assert b"\r\n.\r\n" not in b"\r\n" + text
    assert b"\n" not in text.replace(b"\r\n", b"")
    assert text.endswith(b"\r\n")
    _, (message, block), _ = parts(report(one, envid=envid))
    assert set(message.keys()) <= {"Reporting-MTA", "Original-Envelope-Id", "X-Percorso-Queue-Id", "Arrival-Date"}
    assert block.keys() == ["Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code"]


def test_notice_can_be_written_again_without_change() -> None:
    text = write_notice(report(INSECURE, REFUSED), LETTERHEAD)
    assert text
    assert message_from_bytes(text, policy=SMTP).as_bytes() == text


_LOCALS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@given(_LOCALS, _LOCALS, st.sampled_from(Kind), st.text(max_size=40))
def test_no_address_becomes_a_field_or_another_recipient(sender: str, recipient: str, kind: Kind, server: str) -> None:
    """Whatever signs an address is made of; control characters are let in by no parser."""
    one = msgspec.structs.replace(
        REFUSED, recipient=EnvelopeRecipient(address=Address(local=recipient, domain="bank.test")), server=server
    )
    about = report(asking(one, "SUCCESS", "FAILURE", "DELAY", orcpt=f"rfc822;{recipient}"), kind=kind)
    envelope = Envelope(sender=Address(local=sender, domain="corp.test"))
    text = write_notice(msgspec.structs.replace(about, envelope=envelope), LETTERHEAD)
    assert text
    header = from_wire(text).partition(b"\r\n\r\n")[0]
    assert len(re.findall(rb"(?im)^to:", header)) == 1
    assert set(re.findall(rb"(?m)^([^\s:]+):", header)) == {
        b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"MIME-Version", b"Content-Type"
    }  # fmt: skip
    status = from_wire(text).split(b"message/delivery-status")[1].split(b"--=_b1")[0]
    assert status.isascii()
    assert status.count(b"\r\nFinal-Recipient:") == 1
