"""Texts are found in a value as by looking for each."""

from hypothesis import given
from hypothesis import strategies as st

from percorso.core.policy.texts import Texts

LETTERS = st.text(alphabet="ab[] ", max_size=8)


@given(st.lists(LETTERS, max_size=12), st.text(alphabet="ab[] ", max_size=40))
def test_found_are_those_that_occur(texts: list[str], value: str) -> None:
    index = Texts.of(list(enumerate_by_text(texts)))
    assert sorted(index.found_in(value)) == [number for number, text in enumerate(texts) if text in value]
    assert sorted(index.every()) == list(range(len(texts)))


def enumerate_by_text(texts: list[str]) -> list[tuple[str, int]]:
    return [(text, number) for number, text in enumerate(texts)]


def test_similar_texts_are_spread() -> None:
    index = Texts.of((f"[tag {number}]", number) for number in range(1000))
    assert max(map(len, index.by_run.values())) <= 10
    assert list(index.found_in("re: [tag 17] lunch")) == [17]
    assert list(index.found_in("x" * 100_000 + "re: [tag 17] lunch")) == [17]
