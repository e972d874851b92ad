"""Messages for delivery tests: content in memory or as if it were spooled."""

from collections.abc import AsyncIterator

from percorso.core.mail.address import parse_address, parse_path
from percorso.core.mail.envelope import Envelope, EnvelopeRecipient

TEXT = b"From: a@corp.test\r\nMessage-ID: <1@corp.test>\r\nSubject: hello\r\n\r\nHello.\r\n"


class MemoryContent:
    """The `Content` port over octets; with `chunk` it streams, as a spooled message does."""

    def __init__(self, octets: bytes = TEXT, *, chunk: int = 0, error: Exception | None = None) -> None:
        self._octets = octets
        self._chunk = chunk
        self._error = error
        self.closed = False

    @property
    def size(self) -> int:
        return len(self._octets)

    @property
    def inline(self) -> bytes | None:
        return None if self._chunk else self._octets

    def head(self) -> bytes:
        return self._octets.partition(b"\r\n\r\n")[0] + b"\r\n"

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            for start in range(0, len(self._octets), self._chunk or self.size):
                yield self._octets[start : start + (self._chunk or self.size)]
            if self._error:
                raise self._error
        finally:
            self.closed = True


def envelope(sender: str = "a@corp.test", *, eight_bit: bool = False, requiretls: bool = False) -> Envelope:
    return Envelope(sender=parse_path(sender), eight_bit=eight_bit, requiretls=requiretls)


def to(*addresses: str) -> tuple[EnvelopeRecipient, ...]:
    return tuple(EnvelopeRecipient(address=parse_address(address)) for address in addresses)
