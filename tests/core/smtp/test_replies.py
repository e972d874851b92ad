"""Replies: ours stay one line, and a peer's stay within bounds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from percorso.core.mail.reply import Reply
from percorso.core.smtp.errors import LocalProtocolError, Problem, RemoteProtocolError
from percorso.core.smtp.replies import (
    MAX_LINE,
    MAX_LINES,
    MAX_REPLY,
    PeerReply,
    ReplyReader,
    format_lines,
    format_reply,
)


def read(data: bytes, *cuts: int) -> list[PeerReply]:
    """The replies in the data, fed in pieces."""
    reader = ReplyReader()
    places = [0, *sorted(cuts), len(data)]
    replies: list[PeerReply] = []
    for start, end in pairwise(places):
        reader.feed(data[start:end])
        while (reply := reader.next_reply()) is not None:
            replies.append(reply)
    return replies


def test_lines_of_a_reply() -> None:
    (reply,) = read(b"250-5.1.0 one\r\n250-5.1.0 two\r\n250 three\r\n")
    assert reply == PeerReply(code=250, lines=["5.1.0 one", "5.1.0 two", "three"])


@pytest.mark.parametrize(
    "garbage",
    [
        b"\r\n",
        b"hello\r\n",
        b"25 short\r\n",
        b"2500 long\r\n",
        b"250+odd\r\n",
        b"150 preliminary\r\n",
        b"650 beyond\r\n",
        b"\x00\x00\x00\r\n",
        b"250-one\r\n251 two\r\n",
        b"250-one\r\nnot a reply\r\n",
    ],
)
def test_garbage_is_a_malformed_reply(garbage: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read(garbage)
    assert caught.value.problem is Problem.MALFORMED_REPLY


@pytest.mark.parametrize(
    "flood",
    [
        b"250 " + b"x" * MAX_LINE + b"\r\n",
        b"x" * MAX_LINE,
        b"250-x\r\n" * (MAX_LINES + 1),
        (b"250-" + b"x" * 4000 + b"\r\n") * (MAX_REPLY // 4000 + 1),
        b"250-" + b"x" * 2_000_000,
    ],
    ids=["a long line", "a line without end", "too many lines", "too many octets", "2 MB"],
)
def test_flood_is_cut_off(flood: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read(flood)
    assert caught.value.problem is Problem.REPLY_TOO_LONG


def test_the_bounds_themselves_are_allowed() -> None:
    line = b"250 " + b"x" * (MAX_LINE - 6) + b"\r\n"
    assert len(line) == MAX_LINE
    assert read(line)
    assert read(b"250-x\r\n" * (MAX_LINES - 1) + b"250 x\r\n")


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_cuts_change_nothing(data: bytes, cuts: list[int]) -> None:
    def outcome(*places: int) -> object:
        try:
            return read(data, *(min(place, len(data)) for place in places))
        except RemoteProtocolError as error:
            return error.problem

    assert outcome(*cuts) == outcome()


@given(st.text(), st.sampled_from([250, 421, 554]), st.sampled_from(["", "5.7.1"]))
def test_reply_is_one_line_whatever_its_text(text: str, code: int, enhanced: str) -> None:
    try:
        line = format_reply(Reply(code=code, enhanced=enhanced, text=text))
    except LocalProtocolError:
        assert any(sign in text for sign in "\r\n\0")
        return
    assert line.isascii()
    assert line.count(b"\n") == line.count(b"\r") == 1
    assert line.startswith(str(code).encode())


def test_long_reply_lines() -> None:
    assert format_lines(250, ["one", "two", "three"]) == b"250-one\r\n250-two\r\n250 three\r\n"
    assert format_lines(250, ["one"]) == b"250 one\r\n"
