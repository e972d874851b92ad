"""What the listeners of one worker count."""

from percorso.metrics import catalogue
from percorso.metrics.board import Counter, Part


class ClientMeter:
    """Counts connections and messages as they come."""

    def __init__(self, part: Part) -> None:
        self._clients = Counter(part, catalogue.CLIENTS)
        self._open = Counter(part, catalogue.OPEN)
        self._tls = Counter(part, catalogue.CLIENT_TLS)
        self._messages = Counter(part, catalogue.MESSAGES)
        self._open.set(0.0)  # those of a worker before this one are gone

    def refused(self) -> None:
        """A client was not let in."""
        self._clients.add("refused")

    def entered(self) -> None:
        """A client was let in."""
        self._clients.add("accepted")
        self._open.add()

    def left(self) -> None:
        """It is gone."""
        self._open.add(amount=-1.0)

    def secured(self, version: str) -> None:
        """A handshake is done; the version as OpenSSL names it."""
        self._tls.add(version.removeprefix("TLSv"))

    def answered(self, *, accepted: bool) -> None:
        """A message was accepted or refused."""
        self._messages.add("accepted" if accepted else "refused")
