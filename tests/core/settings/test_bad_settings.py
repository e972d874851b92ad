"""Every folder in `bad/` is a settings document that must be refused, with exactly the expected words."""

from pathlib import Path

import pytest

from percorso.core.settings.locate import Lines, LocatedProblem
from percorso.core.settings.toml import BadToml, parse
from percorso.core.settings.validation import check_tables

CASES = sorted((Path(__file__).parent / "bad").iterdir())


def told(text: str) -> list[str]:
    """What an operator reads about the document, by line."""
    try:
        written = parse(text)
    except BadToml as error:
        return [LocatedProblem.of_syntax(error).at("settings.toml")]
    lines = Lines(text)
    problems = [LocatedProblem.of(problem, lines) for problem in check_tables(written.tables).problems]
    return [problem.at("settings.toml") for problem in sorted(problems, key=lambda problem: problem.line)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_with_line_key_and_mend(case: Path) -> None:
    expected = (case / "expected").read_text(encoding="utf-8").splitlines()
    assert told((case / "settings.toml").read_text(encoding="utf-8")) == expected
    assert expected
