"""The limit on open files, in a process of its own."""

import subprocess
import sys

PROGRAM = """
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
few = min(256, hard)
resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
from percorso.processes.open_files import ENOUGH, raise_open_files
raise_open_files()
soft, after = resource.getrlimit(resource.RLIMIT_NOFILE)
print(few, soft, after == hard, soft == (ENOUGH if hard == resource.RLIM_INFINITY else hard))
"""


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=True)
    few, soft, kept, reached = done.stdout.split()
    assert int(soft) >= int(few)
    assert (kept, reached) == ("True", "True")
