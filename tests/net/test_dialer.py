"""Real connections over loopback to the standard library's servers: plaintext, STARTTLS, implicit TLS, attacks."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from percorso.core.hosts.host import Target
from percorso.core.tls.judge import judge
from percorso.core.tls.requirement import ENCRYPTED, IdentityClause, Requirement, TlsVersion
from percorso.core.tls.result import FailureType
from percorso.net.dialer import MAX_UNREAD, SocketDialer, SocketStream
from percorso.net.tls.contexts import ClientContexts
from percorso.net.tls.facts import HandshakeReader
from percorso.net.tls.trust import Trust
from percorso.ports.dialer import ConnectFailed, Dialer, Stream, TlsFailed, TlsOffer
from tests.net.authority import CLIENT_AUTH, PEM, Pair, authority, root_file, server

MX = "mx.bank.test"
OFFER = TlsOffer(reference_name=MX)
TRUSTED = Requirement(encrypted=True, identity=(IdentityClause(ca=True, host=True),))
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class SystemTime:
    """The `Clock` port."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture(scope="module")
def root() -> Pair:
    return authority("Root")


@pytest.fixture(scope="module")
def pair(root: Pair) -> Pair:
    return server(root, MX)


@pytest.fixture
def dialer(root: Pair, tmp_path: Path) -> SocketDialer:
    return make_dialer(root_file(tmp_path, root))


def make_dialer(roots: str = "", *, secret: Callable[[str], bytes] | None = None, source: str = "") -> SocketDialer:
    return SocketDialer(
        contexts=ClientContexts(secret),
        reader=HandshakeReader(Trust(roots)),
        clock=SystemTime(),
        source_addresses=[source] if source else [],
    )


@contextlib.asynccontextmanager
async def listening(handler: Handler, *, context: ssl.SSLContext | None = None) -> AsyncIterator[Target]:
    """A server that runs the handler on each connection; its failures are the test's."""
    failures: list[BaseException] = []
    serving: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        except Exception as error:  # told to the test below
            failures.append(error)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.ensure_future(handle(reader, writer)))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    async with listener:
        host, port = listener.sockets[0].getsockname()[:2]
        yield Target(name=MX, address=host, port=port)
        if serving:
            await asyncio.wait(serving, timeout=5)
    assert not failures


@contextlib.contextmanager
def blocking(context: ssl.SSLContext) -> Iterator[Target]:
    """A server of sockets and a thread, which unlike asyncio's sends its alerts. It echoes."""

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listener.accept()
                plain.settimeout(5)
                with plain, contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as secure:
                    while data := secure.recv(65536):
                        secure.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield Target(name=MX, address="127.0.0.1", port=listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)  # ends `accept`
    thread.join(timeout=5)


def after_starttls(then: Handler) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        await reader.readline()  # STARTTLS, so that nothing of the handshake is buffered
        writer.write(b"220 go\r\n")
        await then(reader, writer)

    return handler


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def ask_tls(stream: Stream) -> None:
    assert await stream.read(timeout=5) == b"220 ready\r\n"
    await stream.write(b"STARTTLS\r\n", timeout=5)
    assert await stream.read(timeout=5) == b"220 go\r\n"


async def read_all(stream: Stream, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = await stream.read(timeout=5)
        assert chunk
        data += chunk
    return bytes(data)


def limited(pair: Pair, version: ssl.TLSVersion, lowest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = lowest or version
        context.maximum_version = version
    return pair.configure(context)


# Plaintext.


async def test_bytes_go_both_ways(dialer: Dialer) -> None:
    async with listening(echo) as target:
        stream = await dialer.connect(target, timeout=5)
        await stream.write(b"EHLO mx\r\n", timeout=5)
        assert await stream.read(timeout=5) == b"EHLO mx\r\n"
        assert not stream.handshake.encrypted
        stream.close()
        stream.close()
        with pytest.raises(ConnectFailed, match="closed"):
            await stream.write(b"x", timeout=5)


async def test_refused(dialer: Dialer) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectFailed, match="connection refused"):
            await dialer.connect(Target(name=MX, address="127.0.0.1", port=unused.getsockname()[1]), timeout=5)


async def test_no_answer(dialer: Dialer) -> None:
    with socket.socket() as full, contextlib.ExitStack() as clients:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # the kernel drops connections to a full backlog
            client = clients.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        with pytest.raises(ConnectFailed, match="within"):
            await dialer.connect(Target(name=MX, address="127.0.0.1", port=full.getsockname()[1]), timeout=0.1)


async def test_the_end_is_no_bytes(dialer: Dialer) -> None:
    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"421 bye\r\n")

    async with listening(handler) as target:
        stream = await dialer.connect(target, timeout=5)
        assert await stream.read(timeout=5) == b"421 bye\r\n"
        assert await stream.read(timeout=5) == b""
        assert await stream.read(timeout=5) == b""
        stream.close()


async def test_a_reset_is_a_loss(dialer: Dialer) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with listening(handler) as target:
        stream = await dialer.connect(target, timeout=5)
        await stream.write(b"EHLO\r\n", timeout=5)
        with pytest.raises(ConnectFailed, match="connection lost"):
            await stream.read(timeout=5)
        stream.close()


async def test_silence_times_out_and_the_connection_goes_on(dialer: Dialer) -> None:
    async with listening(echo) as target:
        stream = await dialer.connect(target, timeout=5)
        with pytest.raises(ConnectFailed, match="timed out"):
            await stream.read(timeout=0.02)
        await stream.write(b"late\r\n", timeout=5)
        assert await stream.read(timeout=60) == b"late\r\n"
        with pytest.raises(ConnectFailed, match="timed out"):
            await stream.read(timeout=0.02)  # shorter than the timer that the last read left
        stream.close()


async def test_a_peer_that_does_not_read_times_out(dialer: Dialer) -> None:
    done = asyncio.Event()

    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await done.wait()

    async with listening(handler) as target:
        stream = await dialer.connect(target, timeout=5)
        with pytest.raises(ConnectFailed, match="timed out"):
            await stream.write(bytes(100 << 20), timeout=0.05)
        stream.close()
        done.set()


async def test_a_peer_that_sends_without_end_is_held_back(dialer: Dialer) -> None:
    sent = 0

    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        for _ in range(200):
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    async with listening(handler) as target:
        stream = await dialer.connect(target, timeout=5)
        await asyncio.sleep(0.1)
        assert isinstance(stream, SocketStream)
        assert len(stream._unread) <= 3 * MAX_UNREAD
        assert sent < 200 * 65536
        assert len(await read_all(stream, 200 * 65536)) == 200 * 65536
        stream.close()


async def test_a_source_address_is_taken(root: Pair) -> None:
    seen: list[str] = []

    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername")[0])

    async with listening(handler) as target:
        stream = await make_dialer(source="127.0.0.2").connect(target, timeout=5)
        await stream.read(timeout=5)
        stream.close()
    assert seen == ["127.0.0.2"]


# TLS.


async def test_starttls(dialer: Dialer, pair: Pair) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.start_tls(pair.server_context)
        await echo(reader, writer)

    async with listening(after_starttls(handler)) as target:
        stream = await dialer.connect(target, timeout=5)
        await ask_tls(stream)
        shown = await stream.start_tls(OFFER, timeout=5)
        assert shown == stream.handshake
        assert judge(TRUSTED, shown).met
        data = bytes(i % 251 for i in range(1_000_000))
        writing = asyncio.create_task(stream.write(data, timeout=5))
        assert await read_all(stream, len(data)) == data
        await writing
        stream.close()


async def test_implicit_tls(dialer: Dialer, pair: Pair) -> None:
    async def handler(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        await writer.drain()

    async with listening(handler, context=pair.server_context) as target:
        stream = await dialer.connect(target, timeout=5)
        assert judge(TRUSTED, await stream.start_tls(OFFER, timeout=5)).met
        assert await stream.read(timeout=5) == b"220 ready\r\n"
        assert await stream.read(timeout=5) == b""  # close_notify
        stream.close()


@pytest.mark.parametrize(
    ("version", "lowest"),
    [
        (ssl.TLSVersion.TLSv1_3, None),
        (ssl.TLSVersion.TLSv1_2, None),
        (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.MINIMUM_SUPPORTED),
        (ssl.TLSVersion.TLSv1, ssl.TLSVersion.MINIMUM_SUPPORTED),
    ],
    ids=["1.3", "1.2", "1.1", "1.0"],
)
async def test_versions(dialer: Dialer, pair: Pair, version: ssl.TLSVersion, lowest: ssl.TLSVersion | None) -> None:
    """Without a floor old TLS is taken, and told; with one it is refused as what it is."""
    with blocking(limited(pair, version, lowest)) as target:
        stream = await dialer.connect(target, timeout=5)
        shown = await stream.start_tls(OFFER, timeout=5)
        assert shown.version == int(version)
        assert judge(ENCRYPTED, shown).met
        stream.close()
        if version is ssl.TLSVersion.TLSv1_3:
            return
        floor = int(version) + 1
        found = judge(Requirement(encrypted=True, min_version=floor), shown).failure
        assert found
        assert found.type is FailureType.TLS_VERSION_TOO_LOW
        if floor >= TlsVersion.TLS_1_2:  # from here on the handshake itself refuses
            stream = await dialer.connect(target, timeout=5)
            with pytest.raises(TlsFailed) as refused:
                await stream.start_tls(TlsOffer(reference_name=MX, min_version=floor), timeout=5)
            assert refused.value.failure is FailureType.TLS_VERSION_TOO_LOW


async def drop(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Close without a word."""


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"250 this is no ServerHello\r\n")


async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"\x15\x03\x01\x00\x02\x02\x28")  # fatal, handshake_failure


async def wrong_version(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)
    writer.write(b"\x15\x03\x01\x00\x02\x02\x46")  # fatal, protocol_version


BROKEN: list[tuple[Handler, FailureType, str]] = [
    (drop, FailureType.TLS_HANDSHAKE_FAILURE, "closed the connection|connection lost"),
    (garbage, FailureType.TLS_HANDSHAKE_FAILURE, "wrong version number|packet length"),
    (alert, FailureType.TLS_HANDSHAKE_FAILURE, "handshake failure"),
    (wrong_version, FailureType.TLS_VERSION_TOO_LOW, "no TLS version in common"),
]


@pytest.mark.parametrize(("then", "failure", "words"), BROKEN, ids=["drop", "garbage", "alert", "version"])
async def test_broken_handshakes(dialer: Dialer, then: Handler, failure: FailureType, words: str) -> None:
    async with listening(after_starttls(then)) as target:
        stream = await dialer.connect(target, timeout=5)
        await ask_tls(stream)
        with pytest.raises(TlsFailed, match=words) as caught:
            await stream.start_tls(OFFER, timeout=5)
        assert caught.value.failure is failure
        with pytest.raises(ConnectFailed):
            await stream.write(b"MAIL FROM:<a@corp.test>\r\n", timeout=5)


async def test_a_handshake_that_drips_is_ended(dialer: Dialer) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB, never whole
        while not writer.is_closing():
            writer.write(b"\x00")
            await asyncio.sleep(0.01)

    async with listening(after_starttls(drip)) as target:
        stream = await dialer.connect(target, timeout=5)
        await ask_tls(stream)
        with pytest.raises(TlsFailed, match="timed out"):
            await stream.start_tls(OFFER, timeout=0.1)


async def test_response_injection_before_the_handshake(dialer: Dialer) -> None:
    """CVE-2021-38370 and its like: what an attacker puts behind the 220 is never read as a reply inside TLS."""
    asked = asyncio.Event()

    async def inject(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked.wait()
        writer.write(b"250 injected\r\n")
        await reader.read()

    async with listening(after_starttls(inject)) as target:
        stream = await dialer.connect(target, timeout=5)
        await ask_tls(stream)
        asked.set()
        assert isinstance(stream, SocketStream)
        await stream._wait(asyncio.get_running_loop().time() + 5)
        assert stream._unread
        with pytest.raises(TlsFailed, match="3207"):
            await stream.start_tls(OFFER, timeout=5)
        with pytest.raises(ConnectFailed):
            await stream.write(b"x", timeout=5)


async def test_plaintext_inside_tls_ends_it(dialer: Dialer, pair: Pair) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plain = writer.get_extra_info("socket").dup()
        await writer.start_tls(pair.server_context)
        await reader.readline()
        with plain:
            plain.sendall(b"250 injected\r\n")
        await asyncio.sleep(0.05)

    async with listening(after_starttls(handler)) as target:
        stream = await dialer.connect(target, timeout=5)
        await ask_tls(stream)
        await stream.start_tls(OFFER, timeout=5)
        await stream.write(b"EHLO mx\r\n", timeout=5)
        with pytest.raises(ConnectFailed, match=r"wrong version number|packet length"):
            await stream.read(timeout=5)
        stream.close()


async def test_a_client_certificate(root: Pair, pair: Pair, tmp_path: Path) -> None:
    ours = server(root, "gate.corp.test", usages=CLIENT_AUTH)
    secrets = {"ours": ours.chain_pem + ours.key_pem, "broken": b"no PEM"}
    context = pair.configure(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=root.certificate.public_bytes(PEM).decode())
    dialer = make_dialer(root_file(tmp_path, root), secret=secrets.__getitem__)
    with blocking(context) as target:
        stream = await dialer.connect(target, timeout=5)
        await stream.start_tls(TlsOffer(reference_name=MX, client_certificate_secret="ours"), timeout=5)
        await stream.write(b"hello", timeout=5)
        assert await stream.read(timeout=5) == b"hello"
        stream.close()
        stream = await dialer.connect(target, timeout=5)
        with pytest.raises(TlsFailed, match="'broken' cannot be used"):
            await stream.start_tls(TlsOffer(reference_name=MX, client_certificate_secret="broken"), timeout=5)
        stream = await dialer.connect(target, timeout=5)
        await stream.start_tls(OFFER, timeout=5)  # in TLS 1.3 the refusal comes after our side is done
        with pytest.raises(ConnectFailed, match="certificate required"):
            await stream.read(timeout=5)
        stream.close()
