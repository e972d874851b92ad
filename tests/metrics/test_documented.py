"""Every number is explained to operators."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from percorso.metrics.board import Board
from percorso.metrics.exposition import Standing, exposed, registry

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def test_the_page_has_every_number_and_no_other() -> None:
    standing = Standing(workers=1, queue={"queued": 0}, oldest=0.0, evidence={"mail1/0": 0})
    text = exposed(registry(Board(1), lambda: standing)).decode()
    families = text_string_to_metric_families(text)
    told = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    assert set(re.findall(r"`(percorso_\w+)`", PAGE.read_text(encoding="utf-8"))) == told
