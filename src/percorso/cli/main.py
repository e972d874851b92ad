"""The command line: finds the verb, imports its file alone, and turns what goes wrong into a message and an exit code.

Exit codes: 0 done, 1 the answer is no, 2 used wrongly.
"""

import sys
from collections.abc import Sequence

from percorso.cli.starters import Starters


def run(starters: Starters, arguments: Sequence[str]) -> int:
    """Run one verb; returns the exit code."""
    if list(arguments) in (["--version"], ["-V"]):
        return _version()
    raise NotImplementedError(starters)


def _version() -> int:
    from importlib.metadata import version

    sys.stdout.write(f"percorso {version('percorso')}\n")
    return 0
