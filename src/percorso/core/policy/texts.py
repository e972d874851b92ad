"""Which of many texts occur in a value, at a cost that follows the value's length and not their number.

A text is filed under one of its runs of three characters, the one with the fewest texts so far. A value is cut into
such runs, and only what is filed under one of them is looked for. Shorter texts are always looked for, and all texts
where they are few beside the length of the value.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Generic, Self, TypeVar

import msgspec

T = TypeVar("T")

_LONG: Final = 4  # characters for each run


class Texts(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Texts, each with what it stands for."""

    by_run: dict[str, list[tuple[str, T]]]
    short: list[tuple[str, T]]

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, T]]) -> Self:
        """File every text."""
        texts = cls(by_run={}, short=[])
        for text, meaning in pairs:
            runs = _runs(text)
            if runs:
                rarest = min(sorted(runs), key=lambda run: len(texts.by_run.get(run, ())))
                texts.by_run.setdefault(rarest, []).append((text, meaning))
            else:
                texts.short.append((text, meaning))
        return texts

    def found_in(self, value: str) -> Iterator[T]:
        """What the texts stand for that occur in the value."""
        if len(value) > _LONG * len(self.by_run):  # then to look for every text costs less than to cut the value up
            runs: Iterable[str] = self.by_run
        else:
            runs = _runs(value) & self.by_run.keys()
        for run in runs:
            yield from [meaning for text, meaning in self.by_run[run] if text in value]
        yield from [meaning for text, meaning in self.short if text in value]

    def every(self) -> Iterator[T]:
        """What all texts stand for."""
        for filed in (self.short, *self.by_run.values()):
            yield from [meaning for _, meaning in filed]


def _runs(text: str) -> set[str]:
    return {text[start : start + 3] for start in range(len(text) - 2)}
