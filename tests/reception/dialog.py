"""A client over a real socket, that speaks line by line, in plaintext or TLS."""

import asyncio
import ssl
from types import TracebackType

from percorso.net.tls.engine import TlsEngine

ENVELOPE = "MAIL FROM:<a@corp.test>\r\nRCPT TO:<b@dest.test>\r\nDATA\r\n"
WAIT = 10.0  # seconds after which a test is stuck


class Dialog:
    """One connection to a listener."""

    def __init__(self, port: int, *, source: str = "127.0.0.1") -> None:
        self._port = port
        self._source = source
        self._engine: TlsEngine | None = None
        self._unread = b""
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> "Dialog":
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, local_addr=(self._source, 0)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.transport.abort()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """The handshake."""
        self._engine = engine = TlsEngine(context, server_side=False, server_name="mx.test")
        engine.start()
        while not engine.established:
            self._writer.write(engine.data_to_send())
            if not await self._read_more():
                raise EOFError("closed during the handshake")
        self._writer.write(engine.data_to_send())

    async def _read_more(self) -> bool:
        data = await asyncio.wait_for(self._reader.read(65536), WAIT)
        self._unread += self._engine.receive(data) if self._engine and data else data
        return bool(data)

    async def reply(self) -> str:
        """The next reply, the lines of a long one joined."""
        lines = []
        while True:
            line = await self._line()
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    async def _line(self) -> str:
        while b"\r\n" not in self._unread:
            if not await self._read_more():
                raise EOFError(self._unread)
        line, _, self._unread = self._unread.partition(b"\r\n")
        return line.decode()

    @property
    def unread(self) -> int:
        """Octets that came and were not looked at."""
        arrived: bytearray = self._reader._buffer  # type: ignore[attr-defined]  # no public word for it
        return len(arrived) + len(self._unread)

    async def say(self, text: str | bytes) -> None:
        """Write, without waiting for an answer."""
        data = text.encode() if isinstance(text, str) else text
        self._writer.write(self._engine.send(data) if self._engine else data)
        await asyncio.wait_for(self._writer.drain(), WAIT)

    async def ask(self, line: str) -> str:
        """One command and its reply."""
        await self.say(f"{line}\r\n")
        return await self.reply()

    async def begin(self, envelope: str = ENVELOPE) -> str:
        """EHLO and an envelope up to DATA; the last reply."""
        await self.ask("EHLO client.test")
        await self.say(envelope)
        replies = [await self.reply() for _ in envelope.splitlines()]
        return replies[-1]

    async def rest(self) -> bytes:
        """All that comes until the server closes."""
        while await self._read_more():
            pass
        return self._unread

    def half_close(self) -> None:
        """Say that nothing more comes."""
        self._writer.write_eof()

    def drop(self) -> None:
        """Cut the connection."""
        self._writer.transport.abort()
