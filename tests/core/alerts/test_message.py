"""Alerts in words: complete in both languages, readable, and without an address or anything of a message."""

import json
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from percorso.core.alerts.condition import Condition, Kind
from percorso.core.alerts.course import Alert, Change
from percorso.core.alerts.message import MAX_TOLD, Letterhead, signature, write_message, write_payload
from percorso.core.alerts.words import ENGLISH, ITALIAN, LANGUAGES
from percorso.core.mail.address import parse_address
from percorso.core.smtp.data import from_wire

LETTERHEAD = Letterhead(node="mail1.corp.test", message_id="<a1@mail1.corp.test>", date=1.795e9)
TO = (parse_address("postmaster@corp.test"),)


def alert(kind: Kind, change: Change = Change.RAISED, subject: str = "bank.test") -> Alert:
    return Alert(change=change, condition=Condition(kind=kind, subject=subject, figure="7"), since=1.795e9)


def read(alerts: list[Alert], language: str) -> EmailMessage:
    message = message_from_bytes(from_wire(write_message(alerts, TO, language, LETTERHEAD)), policy=default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_its_words(kind: Kind, language: str) -> None:
    text = read([alert(kind)], language).get_content()
    explanation = LANGUAGES[language].explanations[kind]
    for words in (explanation.title, explanation.meaning, explanation.mend):
        assert " ".join(words.format(subject="bank.test", figure="7").split()) in " ".join(text.split())
        assert "'" not in words
        assert '"' not in words


def test_the_languages_are_whole_and_differ() -> None:
    for words in (ENGLISH, ITALIAN):
        assert set(words.explanations) == set(Kind)
        assert set(words.changes) == set(Change)
    for kind in Kind:
        one, other = ENGLISH.explanations[kind], ITALIAN.explanations[kind]
        for field in ("title", "meaning", "mend"):
            holes = [set(re.findall(r"{(\w+)}", getattr(words, field))) for words in (one, other)]
            assert holes[0] == holes[1]
        assert one != other


def test_the_header_of_an_alert() -> None:
    message = read([alert(Kind.HOST_DOWN, subject="encryptor"), alert(Kind.DISK_LOW)], "it")
    assert message["Subject"] == "Avviso: L’host encryptor non risponde (+1)"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == "postmaster@corp.test"
    assert message["Message-ID"] == "<a1@mail1.corp.test>"


def test_what_is_over_needs_no_advice() -> None:
    text = read([alert(Kind.HOST_DOWN, Change.RECOVERED, "encryptor")], "en").get_content()
    assert "Over: The host encryptor does not answer" in text
    assert "Check the servers" not in text


def test_very_many_are_counted() -> None:
    many = [alert(Kind.SECURE_TRANSPORT_FAILING, subject=f"d{number}.test") for number in range(MAX_TOLD + 30)]
    text = read(many, "en").get_content()
    assert "d49.test" in text
    assert "d50.test" not in text
    assert "and 30 more" in text


def test_what_a_webhook_gets() -> None:
    payload = write_payload([alert(Kind.HOST_DOWN, subject="encryptor")], "en", "mail1.corp.test", 1.795e9 + 5)
    assert json.loads(payload) == {
        "node": "mail1.corp.test",
        "at": 1_795_000_005,
        "text": "Alert: The host encryptor does not answer",
        "alerts": [
            {
                "change": "raised",
                "kind": "host-down",
                "subject": "encryptor",
                "figure": "7",
                "since": 1_795_000_000,
                "title": "Alert: The host encryptor does not answer",
                "text": (
                    "None of the servers of the host encryptor took mail at the last attempt. 7 recipients wait for "
                    "it. Check the servers of the host and the way to them; the mail goes out by itself once they "
                    "answer."
                ),
            }
        ],
    }


def test_the_signature_is_that_of_rfc_2104() -> None:
    key, data = b"Jefe", b"what do ya want for nothing?"  # RFC 4231, 4.3
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert signature(data, key) == f"sha256={expected}"
