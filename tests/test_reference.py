"""The reference pages say what the code says."""

from pathlib import Path

import pytest

from percorso.config.schema import Configuration
from percorso.core.delivery.cause import Cause
from percorso.core.policy.decision import Reason
from percorso.core.settings.schema import Document
from percorso.core.tls.result import FailureType
from scripts.reference import ROOT, main, pages

DOCS = ROOT / "docs"
PAGES = pages()


@pytest.mark.parametrize("page", sorted(PAGES), ids=lambda page: page.name)
def test_the_page_is_what_the_code_says(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == PAGES[page], "run `make docs`"


@pytest.mark.parametrize("code", [*Reason, *FailureType, *Cause])
def test_every_code_is_told(code: str) -> None:
    assert f"`{code}`" in PAGES[DOCS / "reasons.md"]


@pytest.mark.parametrize(("model", "page"), [(Document, "settings.md"), (Configuration, "configuration.md")])
def test_every_key_is_described(model: type[Document | Configuration], page: str) -> None:
    text = PAGES[DOCS / page]
    for name, field in model.model_fields.items():
        assert f"[{name}]" in text
        assert field.description
    rows = [row.split("|") for row in text.splitlines() if row.startswith("| `")]
    assert len(rows) > 30
    assert all(meaning.strip() for *_, meaning, _ in rows), "a key without a description"


@pytest.mark.parametrize(
    "row",
    [
        "| `452` | `4.3.1` | the mail store is full; try again later |",
        "| `554` | `5.6.0` | the message holds a bare CR or LF; lines must end in CRLF |",
        "| `550` | `5.4.4` | None of the mail servers of … has an address |",
        "| `556` | `5.1.10` | The domain … accepts no mail (null MX) |",
    ],
)
def test_replies_are_read_from_the_source(row: str) -> None:
    assert row in PAGES[DOCS / "reasons.md"].splitlines()


def test_a_page_that_is_out_of_date_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "docs.md"
    monkeypatch.setattr("scripts.reference.pages", lambda: {page: "new"})
    monkeypatch.setattr("scripts.reference.ROOT", tmp_path)
    page.write_text("old")
    assert main(["--check"]) == 1
    assert page.read_text() == "old"
    assert main([]) == 0
    assert page.read_text() == "new"
    assert main(["--check"]) == 0
