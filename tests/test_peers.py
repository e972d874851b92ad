"""A test whose real peer is missing is skipped by name, and fails where peers are required."""

import os
import subprocess
import sys

import pytest

from tests.conftest import SKIP_PREFIX
from tests.peers import requires_peer

NEEDS_SWAKS = "tests/real_peers/test_receivers.py::test_swaks_talks_to_postfix_over_tls"


def run_without_programs(*, peers_required: bool) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", NEEDS_SWAKS]
    environment = os.environ | {"PATH": "/nowhere", "PERCORSO_REQUIRE_PEERS": "1" if peers_required else ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_missing_peer_is_skipped_by_name_in_a_closing_table() -> None:
    done = run_without_programs(peers_required=False)
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.partition("real peers missing on this machine")[2]
    assert NEEDS_SWAKS in table
    assert "swaks" in table


def test_a_missing_peer_fails_where_peers_are_required() -> None:
    done = run_without_programs(peers_required=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert SKIP_PREFIX in done.stdout
    assert "scripts/peers.sh" in done.stdout


def test_an_unknown_peer_is_an_error() -> None:
    with pytest.raises(ValueError, match="no peer is called 'sendmail'"):
        requires_peer("sendmail")
