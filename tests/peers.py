"""Real peers: which are on this machine, and what becomes of the tests that need one that is not.

A test says `@requires_peer("postfix")`. Where the peer is missing the test is skipped by name; with
`PERCORSO_REQUIRE_PEERS=1`, as in CI, it fails instead. `scripts/peers.sh` installs the peers on Debian.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

PEERS_DIR = Path(__file__).parent.parent / ".peers"
POSTFIX = Path("/usr/sbin/postfix")


def _program(name: str) -> str | None:
    path = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin" + os.pathsep + "/sbin")
    return None if path else f"no program `{name}`"


def _swaks() -> str | None:
    missing = _program("swaks") or _program("perl")
    if missing:
        return missing
    found = (
        subprocess.run(["perl", "-MNet::SSLeay", "-e1"], check=False, capture_output=True, timeout=10).returncode == 0
    )
    return None if found else "swaks has no TLS without Perl's Net::SSLeay"


def _postfix() -> str | None:
    if not POSTFIX.exists():
        return f"no {POSTFIX}"
    return None if os.geteuid() == 0 else "Postfix's master starts only as root"


def exim_program() -> Path | None:
    """The Exim to run: one unpacked by `scripts/peers.sh`, else the machine's own."""
    candidates = [PEERS_DIR / "exim/usr/sbin/exim4", Path("/usr/sbin/exim4")]
    return next((path for path in candidates if path.exists()), None)


def _exim() -> str | None:
    if exim_program() is None:
        return "no exim4"
    return None if os.geteuid() == 0 else "Exim with a configuration of its own starts only as root"


CHECKS: dict[str, Callable[[], str | None]] = {
    "postfix": _postfix,
    "exim": _exim,
    "swaks": _swaks,
    "openssl": lambda: _program("openssl"),
}


@cache
def why_missing(peer: str) -> str | None:
    """Why a peer cannot be used on this machine, or None if it can."""
    return CHECKS[peer]()


def peers_are_required() -> bool:
    """Whether a missing peer is a failure on this machine."""
    return os.environ.get("PERCORSO_REQUIRE_PEERS") == "1"


def requires_peer(name: str) -> pytest.MarkDecorator:
    """Mark a test that needs a real peer."""
    if name not in CHECKS:
        raise ValueError(f"no peer is called {name!r}; known are {', '.join(CHECKS)}")
    return pytest.mark.peer(name)
