"""A real mail server with everything of its own in one folder: what Postfix and Exim have in common as peers."""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.real_peers.arrived import Arrived, read_maildir
from tests.real_peers.foreground import Foreground, free_address, wait_until


class Receiver(ABC):
    """A context manager: the server listens on `host`, `port` inside it, and all of its files are gone after it."""

    def __init__(self, name: str, address: tuple[str, int] | None) -> None:
        self.host, self.port = address or free_address()
        # Not below pytest's own folder: that is closed to the users that mail servers run as.
        self.directory = Path(tempfile.mkdtemp(prefix=f"percorso-{name}-"))
        self.directory.chmod(0o755)
        self.maildir = self.directory / "mail/all"
        self._server: Foreground | None = None

    @abstractmethod
    def _write_configuration(self) -> None:
        """Put everything that the server needs into its folder."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """What runs the server in the foreground."""

    @abstractmethod
    def log(self) -> str:
        """The server's log so far."""

    def __enter__(self) -> Self:
        try:
            self._write_configuration()
            output = self.directory / "output"
            self._server = Foreground(self._command(), address=(self.host, self.port), output=output)
            self._server.wait_until_listening()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._server is not None:
            self._server.stop()
        shutil.rmtree(self.directory)

    def arrived(self) -> list[Arrived]:
        """What is in the mailbox now: one copy per recipient."""
        return read_maildir(self.maildir)

    def wait_for(self, count: int, seconds: float = 20.0) -> list[Arrived]:
        """Wait until `count` copies arrived; more than that is a failure too. Blocks: use a thread beside asyncio."""
        wait_until(lambda: len(self.arrived()) >= count, seconds)
        arrived = self.arrived()
        assert len(arrived) == count, f"{len(arrived)} messages arrived, expected {count}; the log:\n{self.log()}"
        return arrived
