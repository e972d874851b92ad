"""One connection on a transport in the test's hand: time, back-pressure, and what comes at the wrong moment.

No event loop runs here, so nothing of this needs a task, a future or a thread.
"""

from collections.abc import Callable

import msgspec
import pytest

from percorso.config.schema import Configuration
from percorso.core.smtp import extensions
from percorso.net.tls.engine import TlsEngine
from percorso.ports.queue import StoreError
from percorso.reception.clients import Clients, Networks
from percorso.reception.connection import LINGER, READ, Connection
from percorso.reception.gate import Gate
from percorso.reception.service import Service
from percorso.reception.watch import HANDSHAKE, PACE, PACE_GRACE, SESSION
from tests.network.clock import VirtualClock
from tests.reception.parts import FixedSettings, HeldQueue, RecordingTransport, configuration, tls_contexts

BEGIN = "EHLO client.test\r\nMAIL FROM:<a@corp.test>\r\nRCPT TO:<b@dest.test>\r\nDATA\r\n"
NEXT = BEGIN.partition("\r\n")[2]


class Bench:
    """A connection, and all that it works with."""

    def __init__(self, queue: HeldQueue, settings: Configuration | None = None, client: str = "127.0.0.1") -> None:
        node = settings or configuration()
        listener = node.listener[0]
        self.queue = queue
        self.clock = VirtualClock()
        self.ended = 0
        self.later: list[Callable[[], None]] = []
        self.service = Service(
            name="mx.test",
            listener=listener,
            networks=Networks(listener.networks),
            limits=node.limits,
            session_limits=extensions.Limits(size=node.limits.max_size),
            tls=lambda: tls_contexts()[0],
            queue=queue,
            settings=FixedSettings(),
            clock=self.clock,
            clients=Clients(at_once=10, per_client=10),
            gate=Gate(queue, later=self.later.append),
        )
        self.transport = RecordingTransport(client)
        self.connection = Connection(self.service, bytearray(READ), self._ended)
        self.transport.protocol = self.connection
        self.connection.connection_made(self.transport)

    def _ended(self, connection: Connection) -> None:
        assert connection is self.connection
        self.ended += 1

    def say(self, text: str | bytes) -> str:
        """What the client says; the answer."""
        return self.transport.receive(text)

    def pass_time(self, seconds: float) -> str:
        """Time goes by, and the listener looks around; what was said."""
        self.clock.advance(seconds)
        self.connection.check(self.clock.monotonic())
        return self.transport.take()


@pytest.fixture
def bench(queue: HeldQueue) -> Bench:
    made = Bench(queue)
    assert made.transport.take() == "220 mx.test ESMTP\r\n"
    return made


# The commit


def test_nothing_is_parsed_while_a_message_is_committed(bench: Bench) -> None:
    answer = bench.say(BEGIN + "one\r\n.\r\n" + NEXT + "two\r\n.\r\nQUIT\r\n")
    assert answer.endswith("<CRLF>.<CRLF>\r\n")
    assert answer.count("250 2.1.0 ") == 1
    bench.queue.commit()
    second = bench.transport.take()
    assert second.startswith("250 2.0.0 queued as ")
    assert second.count("\r\n") == 4
    bench.queue.commit()
    last = bench.transport.take()
    assert last.startswith("250 2.0.0 queued as ")
    assert last.endswith("221 2.0.0 bye\r\n")
    assert len({one.id for one in bench.queue.kept}) == 2


def test_reading_stops_when_more_comes_than_the_commit_lets_through(bench: Bench) -> None:
    bench.say(BEGIN + "x\r\n.\r\n")
    assert bench.transport.is_reading()  # a client that waits for its answer costs no system call
    assert bench.say("NOOP\r\n") == ""
    assert not bench.transport.is_reading()
    bench.queue.commit()
    assert bench.transport.is_reading()
    assert bench.transport.take().endswith("250 2.0.0 OK\r\n")


def test_many_failures_in_one_read_are_answered_in_turn(bench: Bench) -> None:
    """A store that refuses at once must not send us down the stack."""
    bench.queue.spool_failure = StoreError("no space left", full=True)
    bench.say(BEGIN + "x\r\n.\r\n")
    assert bench.say(f"{NEXT}x\r\n.\r\n" * 500).count("452 4.3.1 ") == 500
    assert not bench.queue.waiting


def test_client_that_left_during_the_commit_harms_nothing(bench: Bench) -> None:
    bench.say(BEGIN + "x\r\n.\r\n")
    bench.transport.abort()
    assert bench.ended == 1
    bench.queue.commit()
    assert len(bench.queue.kept) == 1
    assert bench.queue.kept[0].content.inline
    assert bench.transport.take() == ""


LARGE = (b"x" * 78 + b"\r\n") * 4_000


def test_spooled_content_outlives_its_client(bench: Bench) -> None:
    bench.say(BEGIN)
    bench.say(LARGE + b".\r\n")
    bench.transport.abort()
    assert len(bench.queue.spooled()) == 1
    bench.queue.commit()
    assert len(bench.queue.spooled()) == 1


@pytest.mark.parametrize("lines", ["Received: x\r\n" * 51, "Subject: x\r\n"], ids=["mail loop", "failed commit"])
def test_spooled_content_that_is_not_kept_goes(bench: Bench, lines: str) -> None:
    bench.say(BEGIN + lines)
    answer = bench.say(LARGE + b".\r\n")
    assert answer.startswith("554 5.4.6 ") == lines.startswith("Received")
    bench.queue.commit(StoreError("it broke"))
    assert not bench.queue.spooled()
    assert not bench.queue.kept


def test_spool_that_fails_is_told_at_the_end_of_the_message(bench: Bench) -> None:
    bench.queue.spool_failure = StoreError("no space left", full=True)
    bench.say(BEGIN)
    assert bench.say("x\r\n" * 10) == ""
    assert bench.say("QUIT\r\n") == ""
    assert bench.say(".\r\n").startswith("452 4.3.1 ")
    assert not bench.queue.waiting
    bench.queue.spool_failure = None
    bench.say(NEXT + "x\r\n.\r\n")
    bench.queue.commit()
    assert bench.transport.take().startswith("250 2.0.0 ")


def test_refused_content_is_dropped(bench: Bench) -> None:
    bench.say(BEGIN + "good\r\n")
    assert bench.say("bare\nlf\r\n.\r\n").startswith("554 5.6.0 ")
    bench.say(NEXT + "next\r\n.\r\n")
    message = bench.queue.waiting[0][0]
    assert b"good" not in (message.content.inline or b"")


# Back-pressure


def test_busy_queue_stops_reading_until_it_is_not(bench: Bench) -> None:
    bench.queue.busy = True
    bench.say("EHLO client.test\r\n")
    assert not bench.transport.is_reading()
    bench.service.gate.open()
    assert not bench.transport.is_reading()
    bench.queue.busy = False
    bench.service.gate.open()
    assert bench.transport.is_reading()


def test_commit_of_one_lets_the_others_go_on(queue: HeldQueue, bench: Bench) -> None:
    other = Bench(queue)
    other.service = bench.service
    bench.say(BEGIN + "x\r\n")
    queue.busy = True
    bench.say(".\r\n")
    assert not bench.transport.is_reading()
    queue.busy = False
    queue.commit()
    assert bench.transport.is_reading()


def test_queue_that_others_keep_busy_is_looked_at_again(bench: Bench) -> None:
    """No commit of ours need tell that it has room."""
    bench.queue.busy = True
    bench.say("EHLO client.test\r\n")
    for _ in range(3):
        (look,) = bench.later
        bench.later.clear()
        look()
        assert not bench.transport.is_reading()
    bench.queue.busy = False
    bench.later.pop()()
    assert bench.transport.is_reading()
    assert not bench.later


def test_time_of_a_busy_queue_is_not_the_clients(bench: Bench) -> None:
    bench.queue.busy = True
    bench.say(BEGIN)
    assert bench.pass_time(10_000) == ""
    bench.queue.busy = False
    bench.service.gate.open()
    assert bench.pass_time(PACE_GRACE) == ""


def test_commit_takes_as_long_as_it_takes(bench: Bench) -> None:
    bench.say(BEGIN + "x\r\n.\r\n")
    assert bench.pass_time(10_000) == ""
    bench.queue.commit()
    assert bench.transport.take().startswith("250 2.0.0 ")
    assert bench.pass_time(299) == ""


def test_client_that_does_not_read_is_not_read(bench: Bench) -> None:
    bench.connection.pause_writing()
    assert not bench.transport.is_reading()
    bench.connection.resume_writing()
    assert bench.transport.is_reading()
    bench.connection.pause_writing()
    assert bench.pass_time(301).startswith("421 4.4.2 ")


# Time


def test_idle_client(bench: Bench) -> None:
    assert bench.pass_time(299) == ""
    bench.say("NOOP\r\n")
    assert bench.pass_time(299) == ""
    assert bench.pass_time(2) == "421 4.4.2 nothing came for too long; closing the connection\r\n"
    assert bench.transport.ended
    assert bench.ended == 0
    assert bench.say("NOOP\r\n") == ""
    assert bench.pass_time(LINGER + 1) == ""
    assert bench.transport.aborted


def test_slow_content(bench: Bench) -> None:
    bench.say(BEGIN)
    for _ in range(int(PACE_GRACE)):
        assert bench.pass_time(1) == ""
        bench.say("x\r\n")
    assert bench.pass_time(1) == ""
    assert bench.pass_time(1).startswith("421 4.4.2 the message comes too slowly")
    assert not bench.queue.waiting


def test_content_that_keeps_its_pace_may_take_long(bench: Bench) -> None:
    bench.say(BEGIN)
    line = "x" * 70 + "\r\n"
    for _ in range(int(SESSION / 10) + 100):
        bench.say(line * (int(PACE) * 10 // len(line) + 1))
        assert bench.pass_time(10) == ""
    bench.say(".\r\n")
    bench.queue.commit()
    assert bench.transport.take().startswith("250 2.0.0 ")
    bench.say("NOOP\r\n")
    assert bench.pass_time(1) == ""


def test_session_that_comes_to_nothing(bench: Bench) -> None:
    for _ in range(int(SESSION / 100)):
        assert bench.pass_time(100) == ""
        bench.say("NOOP\r\n")
    assert bench.pass_time(1).startswith("421 4.7.0 ")


def test_slow_handshake_is_cut_off(bench: Bench) -> None:
    bench.say("EHLO client.test\r\n")
    bench.say("STARTTLS\r\n")
    bench.pass_time(HANDSHAKE + 1)
    assert bench.transport.aborted
    assert bench.transport.take() == ""


# TLS


def test_plaintext_after_the_handshake_is_never_a_command(bench: Bench) -> None:
    bench.say("EHLO client.test\r\n")
    bench.say("STARTTLS\r\n")
    engine = TlsEngine(tls_contexts()[1], server_side=False, server_name="mx.test")
    engine.start()
    bench.say(engine.data_to_send())  # a ClientHello
    assert "250" not in bench.say("NOOP\r\n" * 10)
    assert bench.transport.ended


def test_engines_last_word_closes(queue: HeldQueue) -> None:
    bench = Bench(queue, configuration(tls="implicit"))
    engine = TlsEngine(tls_contexts()[1], server_side=False, server_name="mx.test")
    engine.start()
    received = b""
    while not engine.established or not received:
        hello = engine.data_to_send()
        buffer = memoryview(bench.connection.get_buffer(-1))
        buffer[: len(hello)] = hello
        bench.connection.buffer_updated(len(hello))
        written, bench.transport.written = bench.transport.written, b""
        received += engine.receive(written)
    assert received == b"220 mx.test ESMTP\r\n"
    goodbye = engine.close()
    buffer = memoryview(bench.connection.get_buffer(-1))
    buffer[: len(goodbye)] = goodbye
    bench.connection.buffer_updated(len(goodbye))
    assert bench.transport.aborted
    assert bench.ended == 1


# Who it is


@pytest.mark.parametrize(
    ("domains", "postmaster"), [('".corp.test", "Corp.test", "b.test"', "postmaster@corp.test"), ('".corp.test"', "")]
)
def test_postmaster_without_a_domain_is_the_organizations(queue: HeldQueue, domains: str, postmaster: str) -> None:
    bench = Bench(queue)
    bench.service.settings.current = FixedSettings(f"[organization]\ndomains = [{domains}]").current  # type: ignore[misc]
    bench.say("EHLO client.test\r\nMAIL FROM:<>\r\n")
    answer = bench.say("RCPT TO:<PostMaster>\r\n")
    if not postmaster:
        assert answer.startswith("550 5.1.1 there is no postmaster here")
        return
    assert answer.startswith("250 ")
    bench.say("DATA\r\nx\r\n.\r\n")
    (message, _), *_ = queue.waiting
    assert [str(one.recipient.address) for one in message.recipients] == [postmaster]


def test_mail_from_a_host_is_known_by_its_network(queue: HeldQueue) -> None:
    bench = Bench(queue, configuration(networks=["192.0.2.0/24", "2001:db8::/32"]), client="2001:db8::7")
    service = msgspec.structs.replace(
        bench.service,
        settings=FixedSettings(
            '[organization]\nname = "Corp"\ndomains = ["corp.test"]\n'
            '[[host]]\nname = "encryptor"\nprimary = [{ address = "gw.test", load = 100 }]\n'
            'networks = ["2001:db8::/64"]\n'
        ),
    )
    bench.connection._service = service
    bench.say(BEGIN + "x\r\n.\r\n")
    message = bench.queue.waiting[0][0]
    assert message.arrival.host == "encryptor"
    assert b"([IPv6:2001:db8::7])" in (message.content.inline or b"")


def test_mapped_addresses_are_ipv4(queue: HeldQueue) -> None:
    bench = Bench(queue, configuration(networks=["192.0.2.0/24"]), client="::ffff:192.0.2.9")
    assert bench.transport.take().startswith("220 ")
