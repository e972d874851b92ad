"""The published DKIM key against the node's."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from percorso.operations.doctor import dkim
from percorso.store.secrets import FileSecrets
from tests.network.network import Network
from tests.operations.doctor import patient
from tests.proof.settings_in_memory import document

NAME = "autumn._domainkey.corp.test"
SETTINGS = """
[organization]
domains = ["corp.test"]
[[dkim]]
domain = "corp.test"
selector = "autumn"
key_secret = "dkim"
"""
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.fixture
def secrets(tmp_path: Path) -> FileSecrets:
    secrets = FileSecrets(tmp_path)
    secrets.set("dkim", KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return secrets


@pytest.mark.parametrize(
    ("records", "health"),
    [
        ((f'"v=DKIM1; k=rsa; p={PUBLIC[:200]}" "{PUBLIC[200:]}"',), "ok"),
        ((f'"p={PUBLIC[:60]} {PUBLIC[60:]}"',), "ok"),
        (('"v=DKIM1; p=AAAA"', f'"v=DKIM1; p={PUBLIC}"'), "ok"),
        (('"v=DKIM1; p=AAAA"',), "fail"),
        (('"v=DKIM1; p="',), "fail"),
        ((), "fail"),
        (None, "unknown"),
    ],
)
async def test_the_published_key(
    tmp_path: Path, secrets: FileSecrets, records: tuple[str, ...] | None, health: str
) -> None:
    network = Network()
    if records is None:
        network.names.fail(NAME)
    elif records:
        network.names.set(NAME, "TXT", *records)
    (finding,) = await dkim.check(patient(tmp_path, network, document=document(SETTINGS)))
    assert (finding.check, str(finding.health)) == ("DKIM of corp.test", health)
    if health == "fail":
        assert PUBLIC in finding.mend


@pytest.mark.parametrize("value", [b"no key", None])
async def test_a_key_that_cannot_be_used(tmp_path: Path, secrets: FileSecrets, value: bytes | None) -> None:
    if value is None:
        secrets.remove("dkim")
    else:
        secrets.set("dkim", value)
    (finding,) = await dkim.check(patient(tmp_path, Network(), document=document(SETTINGS)))
    assert str(finding.health) == "fail"
    assert "the key cannot be used" in finding.seen


async def test_without_a_key_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert await dkim.check(patient(tmp_path, Network())) == []
