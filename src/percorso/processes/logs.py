"""The log of a process: lines on standard error, for people or for machines."""

import json
import logging
import sys
import time
from typing import Final, Literal

_LINE: Final = "%(asctime)s %(levelname)-7s %(message)s"


class _TextFormatter(logging.Formatter):
    """One line a record (traces apart), with the time in ISO 8601 and its offset."""

    def formatTime(self, record: logging.LogRecord, _datefmt: str | None = None) -> str:  # noqa: N802 (logging's name)
        local = time.localtime(record.created)
        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{record.msecs:03.0f}{time.strftime('%z', local)}"


class _JsonFormatter(_TextFormatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_to_stderr(level: str, form: Literal["text", "json"]) -> None:
    """Send this process's log to standard error; children that it forks inherit that."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if form == "json" else _TextFormatter(_LINE))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.raiseExceptions = False  # a closed standard error must not stop mail
