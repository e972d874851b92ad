"""Keys that the document already knows and that do nothing yet: setting them is an error, never silence."""

from collections.abc import Iterator

from percorso.core.settings.problem import Path, Problem
from percorso.core.settings.schema import Document, Organization


def check_available(document: Document) -> Iterator[Problem]:
    """What is set but not available yet."""
    if document.organization.requiretls != Organization().requiretls:
        yield _not_yet(("organization", "requiretls"), "organization", "requiretls")
    for index, setting in enumerate(document.tls_compliance):
        title = f'tls_compliance "{setting.name}"'
        if setting.applies_to == "inbound":
            yield _not_yet(("tls_compliance", index, "applies_to"), title, 'applies_to = "inbound"')
        if setting.exceptions:
            yield _not_yet(("tls_compliance", index, "exceptions"), title, "exceptions")


def _not_yet(path: Path, title: str, key: str) -> Problem:
    return Problem(path=path, message=f"{title}: {key} is not available yet", mend="leave it out")
