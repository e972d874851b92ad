"""Secrets as files: whole or not at all, for the owner only, whatever the disk does."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from percorso.ports.queue import StoreError
from percorso.ports.secrets import BadSecretName
from percorso.store.secrets import FileSecrets
from tests.store.faults import FaultyFiles


@pytest.fixture
def secrets(tmp_path: Path) -> FileSecrets:
    return FileSecrets(tmp_path / "data")


@pytest.fixture
def faulty() -> Iterator[FaultyFiles]:
    files = FaultyFiles(full=True)
    yield files
    files.close()


def test_what_is_kept(secrets: FileSecrets) -> None:
    assert secrets.names() == []
    secrets.set("gw-password", b"pa\0ss\xff\n")
    secrets.set("Certificate_2.pem", b"")
    secrets.set("gw-password", b"another")
    assert secrets.names() == ["Certificate_2.pem", "gw-password"]
    assert secrets.get("gw-password") == b"another"
    assert secrets.get("Certificate_2.pem") == b""
    secrets.remove("gw-password")
    assert secrets.names() == ["Certificate_2.pem"]


@pytest.mark.parametrize("name", ["gw", "../data/secrets/there", "", ".new"])
def test_what_is_not_there(secrets: FileSecrets, name: str) -> None:
    secrets.set("there", b"x")
    with pytest.raises(LookupError, match="percorso secret set"):
        secrets.get(name)
    with pytest.raises(LookupError):
        secrets.remove(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "../a", "/etc/passwd", "a\0b", "a b", "è", "x" * 101, "-a"]
)
def test_what_is_no_name(secrets: FileSecrets, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSecretName):
        secrets.set(name, b"x")
    assert list(tmp_path.iterdir()) == []


def test_for_the_owner_only(secrets: FileSecrets, tmp_path: Path) -> None:
    secrets.set("gw", b"x")
    folder = tmp_path / "data" / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "gw").stat().st_mode) == 0o600


def fails(secrets: FileSecrets, value: bytes) -> bool:
    """Whether it cannot be kept; the error tells of the disk, never of the secret."""
    try:
        secrets.set("gw", value)
    except StoreError as error:
        return error.full and value.decode() not in str(error)
    return False


def test_whole_or_not_at_all(tmp_path: Path, faulty: FaultyFiles) -> None:
    """Each call of the disk fails once: the old secret stays, or the new one is there, and nothing beside it."""
    secrets = FileSecrets(tmp_path, files=faulty)
    secrets.set("gw", b"old")
    call = 1
    while True:
        faulty.faults.arm(call)
        failed = fails(secrets, b"new secret")
        faulty.faults.disarm()
        assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["gw"]
        if not faulty.faults.failed:
            break
        assert failed
        assert secrets.get("gw") in {b"old", b"new secret"}
        call += 1
    assert call > 4
    assert secrets.get("gw") == b"new secret"


def test_durable_before_it_takes_its_place(tmp_path: Path, faulty: FaultyFiles) -> None:
    FileSecrets(tmp_path, files=faulty).set("gw", b"x")
    steps = [step.removeprefix("file ") for step in faulty.faults.log]
    assert steps == ["sync_directory", "create", "write", "sync", "rename", "sync_directory"]
