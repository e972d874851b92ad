"""How many files a process may have open: connections, look-ups and the spool are all files.

A login shell's soft limit, often 1024, is for programs that use select(2); ours do not.
"""

import contextlib
import resource
from typing import Final

ENOUGH: Final = 1 << 20
"""Where the hard limit is none; Linux allows no more by itself (fs.nr_open)."""


def raise_open_files() -> None:
    """Raise this process's limit, and that of children forked later, as far as it may go by itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = ENOUGH if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < limit:
        with contextlib.suppress(OSError, ValueError):  # what there is must do
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
