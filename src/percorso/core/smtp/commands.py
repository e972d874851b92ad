"""A client's command lines, taken apart (RFC 5321, 4.1.1 and 4.1.2)."""

import re
from typing import Final

import msgspec

from percorso.core.mail.reply import Reply

# A path in angle brackets, in which a quoted local part may hold any sign; then the parameters.
_PATH: Final = r' *<((?:"(?:[^"\\]|\\.)*"|[^"<>])*)>((?: .*)?)'
_FROM: Final = re.compile("FROM:" + _PATH, re.IGNORECASE)
_TO: Final = re.compile("TO:" + _PATH, re.IGNORECASE)
_PARAMETER: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20=\x7f]+))?")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

BAD_PARAMETER: Final = Reply(code=501, enhanced="5.5.4", text="a parameter is malformed or given twice")


class BadCommand(Exception):
    """The line is no command; `reply` tells the client why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class PathArgument(msgspec.Struct, frozen=True, kw_only=True):
    """What follows MAIL or RCPT: the text within the angle brackets, and the parameters by upper-case keyword."""

    path: str
    parameters: dict[str, str]


def split_command(line: bytes) -> tuple[str, str]:
    """Verb (upper case) and argument of a line with its line end; raises `BadCommand`."""
    if not line.endswith(b"\r\n"):  # RFC 5321, 2.3.8: lines end in CRLF and nothing else
        raise BadCommand(Reply(code=500, enhanced="5.5.2", text="a line must end in CRLF, not in a bare LF"))
    body = line[:-2]
    if _CONTROL.search(body):
        raise BadCommand(Reply(code=500, enhanced="5.5.2", text="a command must not hold control characters"))
    try:
        verb, _, argument = body.decode("utf-8").partition(" ")
    except UnicodeDecodeError:
        raise BadCommand(Reply(code=500, enhanced="5.5.2", text="a command must be ASCII or UTF-8")) from None
    return verb.upper(), argument.strip(" ")


def mail_argument(argument: str) -> PathArgument | None:
    """`FROM:<path> parameters`, or None where it is not that; raises `BadCommand` for bad parameters."""
    return _path_argument(_FROM.fullmatch(argument))


def rcpt_argument(argument: str) -> PathArgument | None:
    """`TO:<path> parameters`, or None where it is not that; raises `BadCommand` for bad parameters."""
    return _path_argument(_TO.fullmatch(argument))


def _path_argument(match: re.Match[str] | None) -> PathArgument | None:
    if match is None:
        return None
    path, rest = match.groups()
    return PathArgument(path=path, parameters=_parameters(rest) if rest else {})


def _parameters(text: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for word in text.split():
        match = _PARAMETER.fullmatch(word)
        if match is None or match[1].upper() in parameters:
            raise BadCommand(BAD_PARAMETER)
        parameters[match[1].upper()] = match[2] or ""
    return parameters
