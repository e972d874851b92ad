"""The audit log is told of the evidence every hour."""

from pathlib import Path

import pytest

from percorso import app
from percorso.config.schema import Configuration
from percorso.operations.heads import INTERVAL, tell_heads_hourly
from tests.node.running import RunningNode
from tests.node.test_retention import remember


class Over(Exception):
    """The test has seen enough."""


def test_hourly_where_something_was_added(tmp_path: Path) -> None:
    node = RunningNode(tmp_path)
    stores = app._stores(
        Configuration.model_validate({"node": {"name": "gate.corp.test", "data_dir": tmp_path / "data"}})
    )
    told: list[int] = []

    def pause(seconds: float) -> None:
        assert seconds == INTERVAL
        told.append(len(list(stores.audit().entries(event="evidence:head"))))
        if len(told) in (1, 4):
            remember(node, 10)
        if len(told) == 5:
            raise Over

    with pytest.raises(Over):
        tell_heads_hourly(stores, pause=pause)
    assert told == [0, 1, 1, 1, 2]
