"""Every statement that backups need."""

from typing import Final

COUNT_RECIPIENTS: Final = "SELECT count(*) FROM recipient"

SPOOLED: Final = "SELECT id, size FROM message WHERE content IS NULL"

SETTINGS_VERSION: Final = "SELECT max(number) FROM version"
