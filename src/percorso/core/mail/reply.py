"""An SMTP reply: three digits, an enhanced code, a text (RFC 5321, 4.2; RFC 3463; RFC 2034)."""

import re

import msgspec

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)")


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One reply, ours or a peer's. `enhanced` is empty where the peer sent none."""

    code: int
    enhanced: str = ""
    text: str = ""

    @property
    def positive(self) -> bool:
        """2xx: done."""
        return 200 <= self.code < 300

    @property
    def transient(self) -> bool:
        """4xx: try again later."""
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        """5xx: do not try this again."""
        return 500 <= self.code < 600

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.code), self.enhanced, self.text)))


def reply_from_lines(code: int, lines: list[str]) -> Reply:
    """A peer's reply from the texts of its lines; the enhanced code is split off where it fits."""
    first = _ENHANCED.match(lines[0]) if lines else None
    enhanced = first.group(0).strip() if first and first.group(1) == str(code)[0] else ""
    texts = [_without(enhanced, line) for line in lines] if enhanced else lines
    return Reply(code=code, enhanced=enhanced, text=" / ".join(text for text in texts if text))


def _without(enhanced: str, line: str) -> str:
    """A line's text; the code is repeated on each line (RFC 2034, 4), but need not be."""
    word, _, rest = line.strip().partition(" ")
    return rest.strip() if word == enhanced else line.strip()
