"""The lock on a data directory."""

import os
from pathlib import Path

import pytest

from percorso.processes.instance import AlreadyRunning, only_instance


def test_one_at_a_time(tmp_path: Path) -> None:
    with only_instance(tmp_path), pytest.raises(AlreadyRunning, match=str(os.getpid())), only_instance(tmp_path):
        pass
    with only_instance(tmp_path):
        pass


def test_a_new_data_directory_is_on_stable_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.path.realpath(f"/proc/self/fd/{number}")))
    with only_instance(tmp_path / "lib" / "percorso"):
        assert synced == [str(tmp_path), str(tmp_path / "lib")]
    with only_instance(tmp_path / "lib" / "percorso"):
        assert len(synced) == 2
