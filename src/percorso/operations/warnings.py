"""What does not keep a settings document from being applied, and is likely not meant."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from percorso.core.settings.problem import title
from percorso.core.settings.schema import Document
from percorso.net.tls.trust import trust_store
from percorso.operations.secret import missing_secrets, named_secrets
from percorso.ports.secrets import SecretStore

_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


def warnings(document: Document, secrets: Callable[[], SecretStore]) -> list[str]:
    """Each with what to do. The secrets are opened only where the document names some."""
    found = list(missing_secrets(document, secrets())) if any(named_secrets(document)) else []
    return [*found, *_public_anchors(document)]


def _public_anchors(document: Document) -> Iterator[str]:
    """A `ca_file` stands in for CA and name: with a public CA in it, anybody's certificate would do."""
    tables = [("host", host.name, host.ca_file) for host in document.host]
    tables += [("tls_compliance", one.name, one.ca_file) for one in document.tls_compliance if not one.match]
    for noun, name, ca_file in tables:
        public = len(_certificates(ca_file) & _certificates(trust_store()[0] or ""))
        if public:
            mend = "a pin, or leave it out" if noun == "host" else "match, or leave it out"
            yield (
                f'{title(noun, name)}: ca_file "{ca_file}" holds {public} '
                f"{'CA' if public == 1 else 'CAs'} that this machine trusts for any server; a setting's own ca_file "
                f"switches the check of the name off, so that any certificate of theirs passes; add {mend}"
            )


def _certificates(file: str) -> set[bytes]:
    """The certificates of a PEM file, as they are written there."""
    try:
        text = Path(file).read_bytes() if file else b""
    except OSError:
        return set()
    return {b"".join(found.split()) for found in _CERTIFICATE.findall(text)}
