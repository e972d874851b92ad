"""What people read in a notice: every cause, in both languages, kept as files in `notices/` to be read.

A text that was changed on purpose is written anew with PERCORSO_WRITE=1 in the environment.
"""

import os
import re
import string
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.delivery.cause import Cause, cause_of
from percorso.core.delivery.notice_text import LANGUAGES, body, one_line, subject
from percorso.core.delivery.report import Kind, Letterhead, Report, Reported
from percorso.core.delivery.sentences import failure_reply
from percorso.core.delivery.wording.english import ENGLISH
from percorso.core.delivery.wording.italian import ITALIAN
from percorso.core.delivery.wording.words import Explanation, Words
from percorso.core.mail.address import parse_address, parse_path
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient
from percorso.core.mail.reply import Reply
from percorso.core.tls.requirement import IdentityClause, Requirement, StsPolicy
from percorso.core.tls.result import FailureType, SecureTransportFailure

NOTICES = Path(__file__).parent / "notices"
LETTERHEAD = Letterhead(
    organization="Corp", reporting_mta="mail1.corp.test", message_id="<n1@mail1.corp.test>", boundary="b", date=1.795e9
)
HEAD = b"From: Alice <alice@corp.test>\r\nSubject: =?utf-8?q?Offer_for_M=C3=BCller?=\r\n"
REQUIRED = Requirement(encrypted=True, min_version=0x0303, identity=(IdentityClause(ca=True, host=True),))


def said(code: int, enhanced: str, text: str) -> dict[str, object]:
    return {"reply": Reply(code=code, enhanced=enhanced, text=text), "server_replied": True}


def found(code: int, enhanced: str, text: str) -> dict[str, object]:
    return {"reply": Reply(code=code, enhanced=enhanced, text=text)}


CAUSES: dict[Cause, dict[str, object]] = {
    Cause.UNKNOWN_ADDRESS: said(550, "5.1.1", "No such user"),
    Cause.MAILBOX_FULL: said(452, "4.2.2", "Mailbox full"),
    Cause.TOO_LARGE: said(552, "5.3.4", "Message too big"),
    Cause.NOT_PERMITTED: said(550, "5.7.1", "Blocked by policy, see https://bank.test/blocked"),
    Cause.REFUSED: said(554, "5.5.0", "No thanks"),
    Cause.POSTPONED: said(451, "4.7.1", "Greylisted, come back in 5 minutes"),
    Cause.EIGHT_BIT: {**said(550, "5.6.3", "no 8BITMIME"), "server_replied": True},
    Cause.INTERNATIONAL: said(550, "5.6.7", "no SMTPUTF8"),
    Cause.NO_DOMAIN: found(550, "5.1.2", "The domain bank.test does not exist"),
    Cause.NO_MAIL: found(556, "5.1.10", "The domain bank.test accepts no mail (null MX)"),
    Cause.NO_SERVER: found(550, "5.4.4", "mx1.bank.test has no address"),
    Cause.LOOKUP_FAILED: found(451, "4.4.3", "The look-up failed: SERVFAIL"),
    Cause.UNREACHABLE: found(451, "4.4.1", "mx1.bank.test[192.0.2.1]:25: connection refused"),
    Cause.HOST_UNAVAILABLE: {**found(451, "4.4.1", "host encryptor cannot be used"), "at_host": True},
    Cause.UNCERTAIN: {**found(451, "4.4.2", "the server closed the connection"), "uncertain": True},
    Cause.MAIL_LOOP: found(554, "5.4.6", "Mail loop: more than 50 Received fields"),
    Cause.INTERNAL: found(451, "4.3.0", "internal error"),
}


def reported(why: FailureType | Cause) -> Reported:
    common = {
        "recipient": EnvelopeRecipient(address=parse_address("bob@bank.test")),
        "server": "mx1.bank.test",
        "last_attempt": 1.795e9,
        "retry_until": 1.795e9 + 82_800,
    }
    if isinstance(why, Cause):
        return Reported(**common, **CAUSES[why])  # type: ignore[arg-type]
    failure = SecureTransportFailure(type=why, detail="as seen")
    reply = failure_reply(failure, "mx1.bank.test")
    return Reported(**common, failure=failure, reply=reply, requirement=REQUIRED)  # type: ignore[arg-type]


def report(kind: Kind, *recipients: Reported, head: bytes = HEAD) -> Report:
    return Report(
        kind=kind,
        queue_id="Q1",
        envelope=Envelope(sender=parse_path("alice@corp.test")),
        accepted_at=1.795e9 - 3600,
        head=head,
        recipients=recipients,
    )


def written(kind: Kind, language: str, *recipients: Reported) -> str:
    """A notice as it is kept in a file."""
    letterhead = msgspec.structs.replace(LETTERHEAD, language=language)
    text = body(report(kind, *recipients), letterhead)
    return f"=== {kind}, {language} first\nSubject: {subject(kind, letterhead)}\n\n{text}"


def same_as_kept(name: str, text: str) -> None:
    file = NOTICES / f"{name}.txt"
    if os.environ.get("PERCORSO_WRITE"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


WHY = [*FailureType, *Cause]


@pytest.mark.parametrize("why", WHY)
def test_every_cause_reads_as_it_is_kept(why: FailureType | Cause) -> None:
    one = reported(why)
    assert one.why is why
    text = written(Kind.FAILED, "en", one)
    if one.reply.transient:
        text += "\n" + written(Kind.DELAYED, "it", one)
    same_as_kept(why.value, text)


def test_passed_on_reads_as_it_is_kept() -> None:
    one = reported(Cause.POSTPONED)
    same_as_kept("relayed", written(Kind.RELAYED, "en", one) + "\n" + written(Kind.RELAYED, "it", one))


def test_every_demand_reads_as_it_is_kept() -> None:
    demanding = Requirement(
        encrypted=True,
        min_version=0x0304,
        identity=(IdentityClause(ca_file="/etc/ca.pem", pins=("0" * 64,)), IdentityClause(ca=True, names=("a.test",))),
        requiretls=True,
        sts=StsPolicy(id="1", mx=("mx1.bank.test",)),
    )
    one = msgspec.structs.replace(reported(FailureType.DANE_MISMATCH), requirement=demanding)
    same_as_kept("demands", written(Kind.FAILED, "it", one))


def test_no_file_is_left_over() -> None:
    assert {file.stem for file in NOTICES.iterdir()} == {*(why.value for why in WHY), "relayed", "demands"}


# Nothing is missing in any language


def texts(value: object) -> list[str]:
    """Every text of a table, whatever holds it."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts(one)]
    if isinstance(value, tuple):
        return [text for one in value for text in texts(one)]
    return [text for field in value.__struct_fields__ for text in texts(getattr(value, field))]  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", LANGUAGES, ids=lambda words: words.code)
def test_every_cause_has_its_sentences(words: Words) -> None:
    assert set(words.explanations) == set(WHY)
    for explanation in words.explanations.values():
        for text in (explanation.cause, explanation.sender or "So.", explanation.administrator):
            assert text.endswith(".")
            assert text[:1].isupper() or text[0] == "{"
    causes = [explanation.cause for explanation in words.explanations.values()]
    assert len(set(causes)) == len(causes)


def test_the_languages_say_the_same_of_the_same_things() -> None:
    def holes(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for why in WHY:
        english, italian = ENGLISH.explanations[why], ITALIAN.explanations[why]
        for field in Explanation.__struct_fields__:
            said_in = (getattr(english, field), getattr(italian, field))
            assert holes(said_in[0]) == holes(said_in[1]), (why, field)
            assert bool(said_in[0]) == bool(said_in[1])
    for field in Words.__struct_fields__:
        if field not in {"explanations", "code"}:
            pairs = zip(texts(getattr(ENGLISH, field)), texts(getattr(ITALIAN, field)), strict=True)
            assert [holes(one) for one, _ in pairs] == [holes(text) for text in texts(getattr(ITALIAN, field))]


@pytest.mark.parametrize("words", LANGUAGES, ids=lambda words: words.code)
def test_typography(words: Words) -> None:
    for text in texts(words):
        assert not any(sign in text for sign in ("'", '"', "  ", " .", " ,")), text
    if words.code == "it":
        assert not re.search(r"\b(e'|perche'|E')|[aeiou]`", " ".join(texts(words)))


# Form


def test_recipients_with_the_same_fate_share_an_explanation() -> None:
    one = reported(FailureType.CERTIFICATE_EXPIRED)
    other = msgspec.structs.replace(one, recipient=EnvelopeRecipient(address=parse_address("ann@bank.test")))
    text = body(report(Kind.FAILED, one, other, reported(Cause.UNREACHABLE)), LETTERHEAD)
    assert "    bob@bank.test\n    ann@bank.test\n" in text
    assert text.count("certificate is out of date") == 1


def test_a_message_without_a_subject_is_told_by_its_time() -> None:
    text = body(report(Kind.FAILED, reported(Cause.REFUSED), head=b"From: a@b.test\r\n"), LETTERHEAD)
    assert "Your message, accepted on 18 November 2026 at 10:06 UTC," in " ".join(text.split())


def test_advice_to_wait_ends_with_the_waiting() -> None:
    one = reported(Cause.UNREACHABLE)
    assert ENGLISH.wait in body(report(Kind.DELAYED, one), LETTERHEAD)
    over = " ".join(body(report(Kind.FAILED, one), LETTERHEAD).split())
    assert ENGLISH.wait not in over
    assert ENGLISH.given_up in over


@given(st.binary(max_size=300), st.text(max_size=200), st.text(max_size=60))
def test_nothing_from_outside_breaks_a_line_or_hides_a_sign(title: bytes, words: str, server: str) -> None:
    head = b"Subject: " + title.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n"
    one = msgspec.structs.replace(
        reported(Cause.REFUSED), reply=Reply(code=550, enhanced="5.5.0", text=words), server=server
    )
    text = body(report(Kind.FAILED, one, head=head), LETTERHEAD)
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    assert text.count("    bob@bank.test\n") == 2  # one line in each language


def test_a_sign_that_turns_the_text_around_does_not_pass() -> None:
    assert one_line("a\u202eb\x1b[2Jc") == "a?b?[2Jc"


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(code=550, text="no"), Cause.REFUSED),
        (Reply(code=552, text="no"), Cause.TOO_LARGE),
        (Reply(code=450, text="no"), Cause.POSTPONED),
        (Reply(code=553, enhanced="5.7.26", text="no"), Cause.NOT_PERMITTED),
    ],
)
def test_a_bare_reply_has_a_cause_too(reply: Reply, cause: Cause) -> None:
    assert cause_of(reply, server_replied=True) is cause


@pytest.mark.parametrize("enhanced", ["4.3.0", "4.3.1", "4.3.5"])
def test_what_is_wrong_with_us_is_said_to_be_ours(enhanced: str) -> None:
    """A full disk, or a DKIM key that cannot be used, is no fault of the recipient's server."""
    reply = Reply(code=451, enhanced=enhanced, text="ours")
    assert cause_of(reply, server_replied=False) is Cause.INTERNAL
