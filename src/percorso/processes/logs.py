"""The log of a process: lines on standard error, for people or for machines.

One record is one line, whatever a peer said: characters that could break or command a terminal are written out, and
the lines of a trace are indented.
"""

import json
import logging
import sys
import time
from typing import Final, Literal

_MARGIN: Final = "\n    "


class _TextFormatter(logging.Formatter):
    """The time in ISO 8601 with its offset, the level, the message; then the trace, if any."""

    def __init__(self) -> None:
        super().__init__()
        self._second = -1
        self._time = ""
        self._offset = ""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{self.time(record)} {record.levelname:<7} {_visible(record.getMessage())}"
        return f"{line}{_MARGIN}{_trace(self, record)}" if record.exc_info else line

    def time(self, record: logging.LogRecord) -> str:
        """When it was; the part that lasts for a second is made once a second."""
        second = int(record.created)
        if second != self._second:
            local = time.localtime(second)
            self._second = second
            self._time = time.strftime("%Y-%m-%dT%H:%M:%S", local)
            self._offset = time.strftime("%z", local)
        return f"{self._time}.{record.msecs:03.0f}{self._offset}"


class _JsonFormatter(_TextFormatter):
    """The same as a JSON object; what is not ASCII is escaped there."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_to_stderr(level: str, form: Literal["text", "json"]) -> None:
    """Send this process's log to standard error; children that it forks inherit that."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if form == "json" else _TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.raiseExceptions = False  # a closed standard error must not stop mail
    # Nobody reads where in the source a line was written, and to find that out costs most of a line.
    logging._srcfile = None  # as the logging HOWTO, "Optimization", has it; the same for the next two
    logging.logThreads = logging.logMultiprocessing = False


def _visible(text: str) -> str:
    """The text on one line, whatever is in it."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "backslashreplace").decode("ascii") for one in text
    )


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    exception = record.exc_info
    text = formatter.formatException(exception) if exception else ""
    return _MARGIN.join(_visible(line) for line in text.split("\n"))
