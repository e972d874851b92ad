"""The filter for content: however the octets are cut, the same end, the same content, the same verdict."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from percorso.core.smtp.data import DataFilter, Offence, from_wire, to_wire
from tests.core.smtp.transcript import splits

# Mostly the octets that matter, so that ends and offences come often and at every border.
OCTETS = st.lists(st.sampled_from([b"\r\n", b"\r\n", b"\r", b"\n", b".", b"x", b"xyz", b"\xc3"])).map(b"".join)


def feed(data: bytes, chunks: list[bytes], *, size: int = 10_000, line: int = 1000) -> tuple[object, ...]:
    """Everything that the filter finds; what comes behind the end is not fed."""
    assert b"".join(chunks) == data
    content_filter = DataFilter(max_size=size, max_line=line)
    content = b""
    for number, chunk in enumerate(chunks):
        content += content_filter.feed(chunk)
        if content_filter.ended:
            rest = content_filter.rest + b"".join(chunks[number + 1 :])
            kept = content if content_filter.offence is None else b""
            return kept, content_filter.offence, content_filter.eight_bit, rest
    return content_filter.offence, content_filter.ended


def plainly(data: bytes, *, size: int, line: int) -> tuple[bytes, Offence | None, bool, bytes]:
    """The same, told line by line instead of quickly."""
    end = 0 if data.startswith(b".\r\n") else data.index(b"\r\n.\r\n") + 2
    content, rest = data[:end], data[end + 3 :]
    offence = None
    long_lines = [one for one in content.split(b"\n")[:-1] if len(one) + 1 - one.startswith(b".") > line]
    without_pairs = content.replace(b"\r\n", b"")
    if len(content) > size:
        offence = Offence.TOO_LARGE
    elif b"\r" in without_pairs or b"\n" in without_pairs:
        offence = Offence.BARE_CR_OR_LF
    elif long_lines:
        offence = Offence.LINE_TOO_LONG
    return (b"" if offence else content), offence, any(octet > 127 for octet in content), rest


@given(OCTETS, OCTETS, st.integers(1, 40), st.integers(2, 12))
@example(b"", b"", 1, 2)
@example(b".", b".", 40, 12)
@example(b"\r\n.\r", b"\n", 40, 12)
def test_filter_does_what_reading_line_by_line_does(before: bytes, after: bytes, size: int, line: int) -> None:
    data = before + b"\r\n.\r\n" + after
    expected = plainly(data, size=size, line=line)
    for chunks in splits(data):
        assert feed(data, chunks, size=size, line=line) == expected


@given(OCTETS)
def test_no_end_is_seen_where_there_is_none(data: bytes) -> None:
    unfinished = (b"x" + data).replace(b"\r\n.\r\n", b"\r\n..\r\n")
    unfinished = unfinished.replace(b"\r\n.\r\n", b"\r\n..\r\n")
    results = {feed(unfinished, chunks)[-1] for chunks in splits(unfinished)}
    assert results == {False}


@given(st.lists(st.sampled_from([b"\r\n", b".", b"..", b"x"])).map(b"".join))
def test_wire_form_is_undone(text: bytes) -> None:
    message = b"".join(text.partition(b"\r\n")) + b"\r\n"
    assert from_wire(to_wire(message)) == message
    assert feed(to_wire(message) + b".\r\n", [to_wire(message) + b".\r\n"])[0] == to_wire(message)


def test_a_limit_counts_whole_lines_across_chunks() -> None:
    data = b"x" * 998 + b"\r\n" + b"." + b"." * 998 + b"\r\n.\r\n"
    for chunks in splits(data):
        assert feed(data, chunks)[1] is None
    data = b"x" * 999 + b"\r\n.\r\n"
    for chunks in splits(data):
        assert feed(data, chunks)[1] is Offence.LINE_TOO_LONG


@pytest.mark.parametrize("tail", [b"\r", b"\r\n", b"\r\n.", b"\r\n.\r", b"."])
def test_what_may_be_the_end_is_held_back_and_never_lost(tail: bytes) -> None:
    data = b"abc" + tail + b"def\r\n.\r\n"
    content_filter = DataFilter(max_size=100, max_line=100)
    content = b"".join(content_filter.feed(data[i : i + 1]) for i in range(len(data)))
    assert content_filter.ended
    if content_filter.offence is None:
        assert content == data[:-3]


def test_nothing_comes_out_after_an_offence() -> None:
    content_filter = DataFilter(max_size=10, max_line=1000)
    assert content_filter.feed(b"12345678\r\n") == b"12345678\r\n"
    assert content_filter.feed(b"one more\r\n") == b""
    assert content_filter.feed(b"RSET\r\n.\r\n") == b""
    assert (content_filter.offence, content_filter.ended) == (Offence.TOO_LARGE, True)
