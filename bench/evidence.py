"""Fill an evidence log, as years of mail would."""

from pathlib import Path

from percorso.lab.load.measure import Progress


def fill(data_dir: Path, rows: int, progress: Progress) -> None:
    """Put that many records into the store of a new data directory, in its own format, chained."""
    raise NotImplementedError
