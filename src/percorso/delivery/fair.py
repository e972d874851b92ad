"""Items that wait: one of each owner in turn, those of one in their order, so that nobody's flood delays others."""

import heapq
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Every step costs the same, however many wait; only `drop` looks at all owners."""

    def __init__(self, owner: Callable[[Item], Hashable]) -> None:
        self._owner = owner
        self._of: dict[Hashable, deque[tuple[Item, float]]] = {}
        self._turns: deque[Hashable] = deque()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def owners(self) -> int:
        """Whose items wait."""
        return len(self._turns)

    def count(self, owner: Hashable) -> int:
        """How many of one owner wait."""
        return len(self._of.get(owner, ()))

    def since(self, now: float) -> float:
        """When the item that is next began to wait; `now` where there is none."""
        return self._of[self._turns[0]][0][1] if self._turns else now

    def put(self, item: Item, now: float) -> None:
        """Add an item behind its owner's."""
        owner = self._owner(item)
        waiting = self._of.get(owner)
        if waiting is None:
            waiting = self._of[owner] = deque()
            self._turns.append(owner)
        waiting.append((item, now))
        self._count += 1

    def take(self) -> Item:
        """The next item."""
        owner = self._turns.popleft()
        item, _ = self._of[owner].popleft()
        self._count -= 1
        if self._of[owner]:
            self._turns.append(owner)
        else:
            del self._of[owner]
        return item

    def drop(self, keep: int) -> list[Item]:
        """Take out all but `keep` items: the last ones of whoever has most."""
        if self._count <= keep:
            return []
        dropped = []
        most = [(-len(waiting), place, owner) for place, (owner, waiting) in enumerate(self._of.items())]
        heapq.heapify(most)
        while self._count > keep:
            count, place, owner = most[0]
            dropped.append(self._of[owner].pop()[0])
            self._count -= 1
            heapq.heapreplace(most, (count + 1, place, owner))
        self._of = {owner: waiting for owner, waiting in self._of.items() if waiting}
        self._turns = deque(owner for owner in self._turns if owner in self._of)
        return dropped
