"""Where everything lies in the data directory, all of it for its owner only.

settings.db               the settings' versions, address lists, the audit log, hashes of accounts' passwords
lock                      held while settings.db or rates.db is made or upgraded
rates.db                  what accounts have used of their rates; may be deleted
alerts.json               what administrators were told and is not over; may be deleted
secrets/                  passwords and keys that settings name, one file for each
queue/shard-00/           what one worker accepts
    queue.db              messages, recipients, content up to 256 KiB, evidence
    index.db              search index of the evidence; can be rebuilt
    spool/                larger content, one file for each message
    lock                  held by the process that works the shard
"""

import re
from pathlib import Path
from typing import Final

_SHARD: Final = re.compile(r"shard-(\d{2,})")


def settings_database(data_dir: Path) -> Path:
    """The file of settings and audit log."""
    return data_dir / "settings.db"


def rates_database(data_dir: Path) -> Path:
    """The file of the accounts' rates."""
    return data_dir / "rates.db"


def alerts_file(data_dir: Path) -> Path:
    """The file of what alerts were told."""
    return data_dir / "alerts.json"


def secrets_directory(data_dir: Path) -> Path:
    """The directory of the secrets."""
    return data_dir / "secrets"


def shard_directory(data_dir: Path, number: int) -> Path:
    """The directory of one shard."""
    return data_dir / "queue" / f"shard-{number:02}"


def queue_database(shard: Path) -> Path:
    """The queue and the evidence of a shard."""
    return shard / "queue.db"


def index_database(shard: Path) -> Path:
    """The search index of a shard's evidence."""
    return shard / "index.db"


def shard_numbers(data_dir: Path) -> list[int]:
    """The shards that there are."""
    queue = data_dir / "queue"
    names = (_SHARD.fullmatch(path.name) for path in queue.iterdir()) if queue.is_dir() else ()
    return sorted(int(name.group(1)) for name in names if name)


def shards_with_queue(data_dir: Path) -> list[Path]:
    """The directories of the shards that have been used."""
    directories = (shard_directory(data_dir, number) for number in shard_numbers(data_dir))
    return [directory for directory in directories if queue_database(directory).exists()]


def spool_directory(shard: Path) -> Path:
    """Where a shard keeps large content."""
    return shard / "spool"
