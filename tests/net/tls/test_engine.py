"""The engine against itself: both sides in memory, whole and in crumbs."""

import gc
import resource
import ssl
from pathlib import Path

import pytest

from percorso.core.tls.result import FailureType
from percorso.net.tls.contexts import ClientContexts
from percorso.net.tls.engine import RECORD, TlsEngine, TlsError
from percorso.ports.dialer import TlsOffer
from tests.net.authority import Pair, authority, server

OFFER = TlsOffer(reference_name="mx.bank.test")


@pytest.fixture(scope="module")
def pair() -> Pair:
    return server(authority(), "mx.bank.test")


@pytest.fixture(scope="module")
def client_context() -> ssl.SSLContext:
    return ClientContexts().context(OFFER)


def engines(pair: Pair, client_context: ssl.SSLContext) -> tuple[TlsEngine, TlsEngine]:
    client = TlsEngine(client_context, server_side=False, server_name="mx.bank.test")
    listener = TlsEngine(pair.server_context, server_side=True)
    client.start()
    listener.start()
    return client, listener


def shake(client: TlsEngine, listener: TlsEngine, *, crumb: int = 1 << 20) -> None:
    for _ in range(10):
        for sender, receiver in ((client, listener), (listener, client)):
            data = sender.data_to_send()
            for at in range(0, len(data), crumb):
                assert receiver.receive(data[at : at + crumb]) == b""
    assert client.established
    assert listener.established


@pytest.fixture
def connected(pair: Pair, client_context: ssl.SSLContext) -> tuple[TlsEngine, TlsEngine]:
    client, listener = engines(pair, client_context)
    shake(client, listener)
    return client, listener


def test_handshake_octet_by_octet(pair: Pair, client_context: ssl.SSLContext) -> None:
    client, listener = engines(pair, client_context)
    shake(client, listener, crumb=1)
    assert listener.receive(client.send(b"EHLO")) == b"EHLO"
    assert client.ssl_object.version() == "TLSv1.3"


@pytest.mark.parametrize("size", [1, 10_240, RECORD, RECORD + 1, 5 * RECORD, 1_000_000])
def test_bytes_pass_whole(connected: tuple[TlsEngine, TlsEngine], size: int) -> None:
    client, listener = connected
    data = bytes(i % 251 for i in range(size))
    ciphertext = client.send(data)
    assert data[:64] not in ciphertext or size < 64
    assert listener.receive(ciphertext) == data
    back = listener.send(memoryview(data))
    assert b"".join(client.receive(back[at : at + 1000]) for at in range(0, len(back), 1000)) == data


def test_plaintext_may_come_with_the_end_of_the_handshake(pair: Pair, client_context: ssl.SSLContext) -> None:
    client, listener = engines(pair, client_context)
    listener.receive(client.data_to_send())
    client.receive(listener.data_to_send())
    assert client.established
    assert not listener.established
    assert listener.receive(client.data_to_send() + client.send(b"EHLO x\r\n")) == b"EHLO x\r\n"
    assert listener.established


def test_close_notify_is_seen_and_is_no_error(connected: tuple[TlsEngine, TlsEngine]) -> None:
    client, listener = connected
    assert listener.receive(client.send(b"QUIT\r\n") + client.close()) == b"QUIT\r\n"
    assert listener.peer_closed
    assert listener.close() != b""


def test_what_comes_after_close_notify_is_not_read(connected: tuple[TlsEngine, TlsEngine]) -> None:
    client, listener = connected
    assert listener.receive(client.close() + b"trailing plaintext") == b""
    assert listener.peer_closed


def test_nothing_is_sent_before_the_handshake(pair: Pair, client_context: ssl.SSLContext) -> None:
    client, _ = engines(pair, client_context)
    with pytest.raises(TlsError, match="before the handshake"):
        client.send(b"MAIL FROM:<a@b.test>\r\n")


@pytest.mark.parametrize(
    "garbage", [b"220 hello\r\n", b"\x00" * 100, b"\x16\x03\x01\x00\x05hello", b"STARTTLS\r\n" * 50]
)
def test_garbage_is_a_handshake_failure(pair: Pair, client_context: ssl.SSLContext, garbage: bytes) -> None:
    for engine in engines(pair, client_context):
        with pytest.raises(TlsError) as caught:
            engine.receive(garbage)
        assert caught.value.failure is FailureType.TLS_HANDSHAKE_FAILURE
        assert not engine.established


def test_plaintext_injected_into_tls_is_an_error(connected: tuple[TlsEngine, TlsEngine]) -> None:
    client, _ = connected
    with pytest.raises(TlsError):
        client.receive(b"250 OK\r\n")
    with pytest.raises(TlsError):
        client.send(b"more")


def test_a_changed_octet_is_an_error_and_leaves_an_alert(connected: tuple[TlsEngine, TlsEngine]) -> None:
    client, listener = connected
    ciphertext = bytearray(client.send(b"MAIL FROM:<a@b.test>\r\n"))
    ciphertext[-1] ^= 1
    with pytest.raises(TlsError, match="bad record mac"):
        listener.receive(ciphertext)
    with pytest.raises(TlsError, match="bad record mac"):
        client.receive(listener.data_to_send())


def test_too_low_a_version_is_told_apart_on_both_sides(pair: Pair) -> None:
    old = pair.configure(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    client = TlsEngine(ClientContexts().context(TlsOffer(reference_name="", min_version=0x0304)), server_side=False)
    listener = TlsEngine(old, server_side=True)
    client.start()
    with pytest.raises(TlsError) as refused:
        listener.receive(client.data_to_send())
    assert refused.value.failure is FailureType.TLS_VERSION_TOO_LOW
    with pytest.raises(TlsError) as told:
        client.receive(listener.data_to_send())
    assert told.value.failure is FailureType.TLS_VERSION_TOO_LOW


def test_a_name_that_cannot_be_sent_is_an_error(client_context: ssl.SSLContext) -> None:
    with pytest.raises(TlsError, match="server name"):
        TlsEngine(client_context, server_side=False, server_name=".bank.test")


def test_server_name_is_sent(pair: Pair, client_context: ssl.SSLContext) -> None:
    seen: list[str | None] = []
    context = pair.configure(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.sni_callback = lambda _ssl, name, _context: seen.append(name)
    client = TlsEngine(client_context, server_side=False, server_name="mx.bank.test")
    listener = TlsEngine(context, server_side=True)
    client.start()
    listener.receive(client.data_to_send())
    assert seen == ["mx.bank.test"]


def test_no_session_is_resumed(pair: Pair, client_context: ssl.SSLContext) -> None:
    for _ in range(3):
        client, listener = engines(pair, client_context)
        shake(client, listener)
        listener.receive(client.send(b"x"))
        client.receive(listener.send(b"y"))
        assert client.ssl_object.session_reused is False


def test_no_ticket_is_asked_for(pair: Pair, client_context: ssl.SSLContext) -> None:
    old = pair.configure(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    client, listener = TlsEngine(client_context, server_side=False), TlsEngine(old, server_side=True)
    client.start()
    shake(client, listener)
    assert client.ssl_object.session is not None
    assert not client.ssl_object.session.has_ticket


def resident() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the resident size from /proc")
def test_buffers_stay_small_after_streaming(pair: Pair, client_context: ssl.SSLContext) -> None:
    """A connection that streamed 2 MiB holds tens of kilobytes at most, not what it carried at its peak."""
    connections = [engines(pair, client_context) for _ in range(50)]
    for client, listener in connections:
        shake(client, listener)
    gc.collect()
    before = resident()
    piece = bytes(256 * 1024)
    for client, listener in connections:
        for _ in range(8):
            assert len(listener.receive(client.send(piece))) == len(piece)
    assert resident() - before < 50 * 2 * 64 * 1024
