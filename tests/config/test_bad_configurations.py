"""Every folder in `bad/` is a configuration that must be refused, with exactly the expected words."""

from pathlib import Path

import pytest

from percorso.config.read import BadConfiguration, read_configuration

CASES = sorted((Path(__file__).parent / "bad").iterdir())


def told(case: Path) -> list[str]:
    """What an operator reads about the configuration."""
    with pytest.raises(BadConfiguration) as caught:
        read_configuration(case / "percorso.toml", {})
    return [line.replace(f"{case}/", "") for line in caught.value.lines]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_refused_with_line_key_and_mend(case: Path) -> None:
    expected = (case / "expected").read_text(encoding="utf-8").splitlines()
    assert told(case) == expected
    assert expected
