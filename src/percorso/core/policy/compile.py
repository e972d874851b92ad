"""From the settings document to what a decision looks at."""

from percorso.core.policy.settings import Settings
from percorso.core.settings.schema import Document


def compile_settings(document: Document, version: int) -> Settings:
    """The compiled settings. The document has passed validation."""
    raise NotImplementedError
