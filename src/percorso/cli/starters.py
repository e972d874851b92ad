"""What the command line starts, handed to it by the composition root."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # importing them takes longer than `percorso --version` may
    from percorso.config.schema import Configuration
    from percorso.operations.network import Network
    from percorso.operations.stores import Stores


@dataclass(frozen=True, kw_only=True)
class Starters:
    """Each runs until it is done; those that return a number return the exit code."""

    serve: Callable[["Configuration"], int]
    lab: Callable[[bool, bool], int]
    """Whether to go on serving afterwards, and whether to answer in JSON."""
    bench: Callable[[Sequence[str]], int]
    """With the arguments that follow the verb."""
    stores: Callable[["Configuration"], "Stores"]
    network: Callable[["Configuration"], "Network"]
