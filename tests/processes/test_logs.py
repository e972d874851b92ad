"""The log: one record is one line, and nothing in it commands a terminal."""

import json
import subprocess
import sys
from datetime import datetime

import pytest

PROGRAM = """
import logging, sys
from percorso.processes.logs import log_to_stderr

log_to_stderr("info", sys.argv[1])
log = logging.getLogger("percorso.delivery")
log.debug("not told")
log.info("%s: status=%s (%s)", "4RtqVb0001k", "deferred", sys.argv[2])
try:
    raise ValueError(sys.argv[2])
except ValueError:
    log.exception("broken")
"""


def lines(form: str, said: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, form, said], capture_output=True, check=True, timeout=30)
    return done.stderr.decode().rstrip("\n").split("\n")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("250 ok", "250 ok"),
        ("250 città", "250 città"),
        ("250 ok\r\n2026-11-23 INFO forged", r"250 ok\r\n2026-11-23 INFO forged"),
        ("\x1b[2J\u202e\u2028", r"\x1b[2J\u202e\u2028"),
    ],
)
def test_text(said: str, shown: str) -> None:
    first, second, *trace = lines("text", said)
    time, level, message = first.split(None, 2)
    assert datetime.fromisoformat(time).tzinfo
    assert (level, message) == ("INFO", f"4RtqVb0001k: status=deferred ({shown})")
    assert second.split(None, 2)[1:] == ["ERROR", "broken"]
    assert all(line.startswith("    ") for line in trace)
    assert not any(character in "".join(trace) for character in "\x1b\r\u202e\u2028")


def test_json() -> None:
    said = "250 città\r\nforged \x1b[2J\u2028"
    first, second = (json.loads(line) for line in lines("json", said))
    assert first["message"] == f"4RtqVb0001k: status=deferred ({said})"
    assert (first["level"], first["logger"]) == ("info", "percorso.delivery")
    assert datetime.fromisoformat(first["time"]).tzinfo
    assert first["pid"] > 0
    assert second["trace"].startswith("Traceback")
    assert all("\x1b" not in line and line.isascii() for line in lines("json", said))
