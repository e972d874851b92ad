"""What the init system is told: sd_notify(3) over its socket. Where there is none, nothing is said."""

import os
import socket
import time
from collections.abc import Mapping
from typing import Final

_SOCKET: Final = "NOTIFY_SOCKET"


class InitSystem:
    """The one that started us. It is told by the first process alone, and a failure to tell it stops nothing."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get(_SOCKET, "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        patience = environ.get("WATCHDOG_USEC", "")
        self.watchdog = int(patience) / 2e6 if self._address and ours and patience.isdigit() else 0.0
        """Seconds between two signs of life; 0 where none are wanted."""

    def ready(self) -> None:
        """Mail is taken in."""
        self._say("READY=1")

    def reloading(self) -> None:
        """Files are read again; say `ready` afterwards."""
        self._say(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The end has begun."""
        self._say("STOPPING=1")

    def alive(self) -> None:
        """A sign of life."""
        self._say("WATCHDOG=1")

    def _say(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
                manager.settimeout(1.0)
                manager.sendto(state.encode(), self._address)
        except OSError:
            pass
