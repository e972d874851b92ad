"""The messages of a load: alike, of one size, each with its number in its last line."""

from typing import Final

END: Final = b"\r\n.\r\n"
_DIGITS: Final = 10
_LINE: Final = b"The quick brown fox jumps over the lazy dog, and this line says so again.....\r\n"

SENDER: Final = "source@corp.test"
RECIPIENT: Final = "sink@bench.test"
COMMANDS: Final = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nDATA\r\n".encode()


def template(size: int) -> bytes:
    """A message of about `size` octets, up to the place of its number."""
    head = (
        f"From: <{SENDER}>\r\nTo: <{RECIPIENT}>\r\nSubject: load\r\n"
        "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"
    ).encode()
    lines = max(0, size - len(head) - _DIGITS - len(END)) // len(_LINE)
    return head + _LINE * lines


def numbered(before: bytes, number: int) -> bytes:
    """The message with its number and the final dot."""
    return b"%b%010d%b" % (before, number, END)


def number_before_end(tail: bytes) -> int:
    """The number of the message that ends where `tail` ends, the final dot left off."""
    return int(tail[-_DIGITS:])
