"""The load's source and sink agree message by message, over STARTTLS and over implicit TLS."""

import datetime
import smtplib
from email.message import EmailMessage

import pytest

from percorso.lab.certificates import Authority, KeyPair
from percorso.lab.load import usage
from percorso.lab.load.measure import Figures, measure, source_and_sink
from percorso.lab.load.message import END, number_before_end, numbered, template
from percorso.lab.load.source import LoadPlan, SourceFailed, client_context
from percorso.lab.load.tally import Tally

MESSAGES = 60
linux_only = pytest.mark.skipif(not usage.available(), reason="measuring reads /proc")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return Authority(tmp_path_factory.mktemp("ca"), now=datetime.datetime.now(datetime.UTC)).issue("mx.bench.test")


def run(pair: KeyPair, *, implicit: bool, messages: int = MESSAGES) -> Figures:
    with source_and_sink(pair.certificate, pair.key, messages, implicit=implicit) as ends:
        plan = LoadPlan(
            address="127.0.0.1", port=ends.port, messages=messages, connections=3, size=10_240, starttls=not implicit
        )
        return measure(plan, ends, ends.sink_process)


@linux_only
@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
def test_every_message_arrives_once(pair: KeyPair, *, implicit: bool) -> None:
    figures = run(pair, implicit=implicit)
    assert (figures.messages, figures.lost, figures.doubled) == (MESSAGES, 0, 0)
    assert figures.rate > 0
    assert 0 < figures.ack_p50_ms <= figures.ack_p99_ms


@linux_only
def test_a_message_larger_than_a_tls_record_arrives(pair: KeyPair) -> None:
    with source_and_sink(pair.certificate, pair.key, 5) as ends:
        plan = LoadPlan(address="127.0.0.1", port=ends.port, messages=5, connections=2, size=200_000)
        assert measure(plan, ends, ends.sink_process).lost == 0


@linux_only
def test_the_sink_counts_what_a_foreign_client_sends(pair: KeyPair) -> None:
    """Commands one by one, and a number that came twice."""
    message = EmailMessage()
    message.set_content("0000000002")
    with source_and_sink(pair.certificate, pair.key, 4) as ends:
        with smtplib.SMTP("127.0.0.1", ends.port, timeout=10) as client:
            client.starttls(context=client_context())
            for _ in range(2):
                client.send_message(message, "a@corp.test", ["b@bench.test"])
        assert (ends.tally.taken, ends.tally.doubled(), ends.tally.lost(4)) == (2, [2], [0, 1, 3])


@linux_only
def test_a_refusal_is_told(pair: KeyPair) -> None:
    """A source that begins with TLS meets a sink that greets in plaintext."""
    with source_and_sink(pair.certificate, pair.key, 1) as ends:
        plan = LoadPlan(address="127.0.0.1", port=ends.port, messages=1, connections=1, starttls=False)
        with pytest.raises(SourceFailed, match="SSLError"):
            measure(plan, ends, ends.sink_process)


def test_the_number_survives_the_way() -> None:
    message = numbered(template(10_240), 4711)
    assert 10_000 < len(message) <= 10_240
    assert message.endswith(END)
    assert number_before_end(message.removesuffix(END)) == 4711


def test_the_tally_tells_lost_from_doubled() -> None:
    tally = Tally(4)
    for number in (0, 2, 2):
        tally.add(number)
    assert (tally.taken, tally.lost(4), tally.doubled()) == (3, [1, 3], [2])
    assert tally.last > 0
    tally.reset()
    assert (tally.taken, tally.last, tally.doubled(), tally.lost(2)) == (0, 0.0, [], [0, 1])


def test_the_key_is_private(pair: KeyPair) -> None:
    assert pair.key.stat().st_mode & 0o077 == 0
