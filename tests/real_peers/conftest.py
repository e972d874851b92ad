"""Certificates for real peers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.node.running import RunningNode

SERVER_NAME = "mx.test"


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The certificate authority that the peers' certificates come from."""
    return trustme.CA()


@pytest.fixture(scope="session")
def chain_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of `mx.test`, in one PEM file as mail servers take it."""
    path = tmp_path_factory.mktemp("tls") / "chain.pem"
    path.write_bytes(authority.issue_cert(SERVER_NAME).private_key_and_cert_chain_pem.bytes())
    path.chmod(0o600)
    return path


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """Not started yet."""
    node = RunningNode(tmp_path)
    yield node
    node.stop()
