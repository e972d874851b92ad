"""What reception is tested with: a queue that commits when told, fixed settings, a transport that records."""

import asyncio
import functools
import itertools
import ssl
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import trustme

from percorso.config.schema import Configuration
from percorso.core.policy.compile import compile_settings
from percorso.core.policy.facts import ListMatch
from percorso.core.policy.settings import Settings
from percorso.core.settings.toml import read_toml
from percorso.core.settings.validation import check_tables
from percorso.net.tls.contexts import server_context
from percorso.ports.queue import Claim, Consumer, ContentWriter, NewMessage, Settlement, StoreError
from percorso.store.files import Files
from percorso.store.spool import Spool

SETTINGS = """
[organization]
name = "Corp"
domains = ["corp.test"]

[[unit]]
path = "/Finance"
senders = ["finance.test"]

[[address_list]]
name = "partners"
entries = ["bank.test"]

[[tls_compliance]]
name = "Partners need TLS"
unit = "/"
applies_to = "outbound"
lists = ["partners"]

[[routing_rule]]
name = "Secure by subject"
unit = "/"
match = { header = "Subject", contains = "[secure]" }
action = "require-secure-transport"
"""


class TellingFiles(Files):
    """The file system, which tells when a file is made."""

    def __init__(self, made: asyncio.Event) -> None:
        self._made = made

    def create(self, path: Path) -> int:
        self._made.set()
        return super().create(path)


class HeldQueue:
    """The `Queue` port: what is accepted waits for `commit`. Content goes to a real spool."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.busy = False
        self.waiting: list[tuple[NewMessage, Callable[[StoreError | None], None]]] = []
        self.kept: list[NewMessage] = []
        self.spool_failure: StoreError | None = None
        self.arrived = asyncio.Event()
        self._numbers = itertools.count(1)
        self.spooling = asyncio.Event()
        self._spool = Spool(folder, TellingFiles(self.spooling))

    def compose(self) -> ContentWriter:
        writer = self._spool.compose(next(self._numbers))
        return FailingWriter(writer, self.spool_failure) if self.spool_failure else writer

    def accept(self, message: NewMessage, done: Callable[[StoreError | None], None]) -> None:
        self.waiting.append((message, done))
        self.arrived.set()

    def commit(self, failure: StoreError | None = None) -> None:
        """Keep all that waits, or none of it."""
        waiting, self.waiting = self.waiting, []
        self.arrived.clear()
        for message, done in waiting:
            if failure is None:
                self.kept.append(message)
            done(failure)

    def spooled(self) -> list[str]:
        """The files that there are."""
        return [path.name for path in self.folder.iterdir()]

    def attach(self, consumer: Consumer) -> None:
        raise NotImplementedError

    def settle(self, settlement: Settlement, done: Callable[[], None]) -> None:
        raise NotImplementedError

    def release(self, claim: Claim, *, due: float = 0.0) -> None:
        raise NotImplementedError

    def decide_again(self) -> None:
        raise NotImplementedError

    def wake(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


class FailingWriter:
    """A content writer on a disk that takes the first write and no other."""

    def __init__(self, writer: ContentWriter, failure: StoreError) -> None:
        self._writer = writer
        self._failure = failure
        self.id = writer.id

    @property
    def size(self) -> int:
        return self._writer.size

    def write(self, chunk: bytes) -> None:
        if self._writer.size:
            raise self._failure
        self._writer.write(chunk)

    def finish(self) -> Any:
        raise AssertionError("only discard is left after a failed write")

    def discard(self) -> None:
        self._writer.discard()


class FixedSettings:
    """The `SettingsSource` port over one document."""

    def __init__(self, text: str = SETTINGS) -> None:
        checked = check_tables(read_toml(text))
        assert checked.document, checked.problems
        document = checked.document
        self.current: Settings = compile_settings(document, 1)
        self._lists = {one.name: set(one.entries) for one in document.address_list}

    def matching_lists(self, keys: Sequence[str]) -> tuple[ListMatch, ...]:
        found = ((name, next((key for key in keys if key in entries), "")) for name, entries in self._lists.items())
        return tuple(ListMatch(name=name, entry=entry) for name, entry in found if entry)


@functools.cache
def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context, and a client's that trusts it."""
    authority = trustme.CA()
    pair = authority.issue_cert("mx.test")
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        certificate.write_bytes(b"".join(blob.bytes() for blob in pair.cert_chain_pems))
        key.write_bytes(pair.private_key_pem.bytes())
        server = server_context(certificate, key)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


def configuration(*, tls: str = "starttls", networks: Sequence[str] = ("127.0.0.0/8",), **limits: Any) -> Configuration:
    """A node with one listener."""
    return Configuration.model_validate(
        {
            "node": {"name": "mx.test"},
            "listener": [{"address": "127.0.0.1:0", "tls": tls, "networks": list(networks)}],
            "limits": limits,
        }
    )


class RecordingTransport(asyncio.Transport):
    """A client's end that a test holds in its hand: no loop runs, so what works here needs none."""

    def __init__(self, client: str = "127.0.0.1") -> None:
        super().__init__({"peername": (client, 12345)})
        self.written = b""
        self._reading = True
        self.ended = False
        self.aborted = False
        self.protocol: asyncio.BufferedProtocol

    def write(self, data: Any) -> None:
        self.written += data

    def take(self) -> str:
        """What was written since the last look."""
        written, self.written = self.written, b""
        return written.decode("utf-8", "replace")

    def pause_reading(self) -> None:
        assert self._reading
        self._reading = False

    def resume_reading(self) -> None:
        assert not self._reading
        self._reading = True

    def is_reading(self) -> bool:
        return self._reading

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.aborted

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            self.protocol.connection_lost(None)

    def receive(self, text: str | bytes) -> str:
        """Octets from the client; the answer."""
        data = text.encode() if isinstance(text, str) else text
        assert self._reading, "nobody reads"
        buffer = memoryview(self.protocol.get_buffer(-1))
        while data and not self.aborted:
            part, data = data[: len(buffer)], data[len(buffer) :]
            buffer[: len(part)] = part
            self.protocol.buffer_updated(len(part))
        return self.take()
