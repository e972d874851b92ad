"""Replies as values."""

import pytest

from percorso.core.mail.reply import Reply, reply_from_lines


@pytest.mark.parametrize(
    ("code", "lines", "expected"),
    [
        (250, ["OK"], Reply(code=250, text="OK")),
        (250, ["2.0.0 OK"], Reply(code=250, enhanced="2.0.0", text="OK")),
        (250, ["2.1.5"], Reply(code=250, enhanced="2.1.5")),
        (250, [""], Reply(code=250)),
        (250, [], Reply(code=250)),
        (550, ["5.7.1 one", "5.7.1 two"], Reply(code=550, enhanced="5.7.1", text="one / two")),
        (550, ["5.7.1 one", "two"], Reply(code=550, enhanced="5.7.1", text="one / two")),
        (550, ["5.7.1", "two", ""], Reply(code=550, enhanced="5.7.1", text="two")),
        (550, ["5.1.1 one", "5.1.10 two"], Reply(code=550, enhanced="5.1.1", text="one / 5.1.10 two")),
        (550, ["5.1.1one"], Reply(code=550, text="5.1.1one")),
        (550, ["one", "5.1.1 two"], Reply(code=550, text="one / 5.1.1 two")),
        (450, ["5.1.1 of another class"], Reply(code=450, text="5.1.1 of another class")),
        (550, ["5.1234.1 no code"], Reply(code=550, text="5.1234.1 no code")),
    ],
)
def test_reply_from_lines(code: int, lines: list[str], expected: Reply) -> None:
    assert reply_from_lines(code, lines) == expected


@pytest.mark.parametrize(
    ("code", "kinds"),
    [(250, (True, False, False)), (354, (False,) * 3), (421, (False, True, False)), (554, (False, False, True))],
)
def test_kind(code: int, kinds: tuple[bool, bool, bool]) -> None:
    reply = Reply(code=code)
    assert (reply.positive, reply.transient, reply.permanent) == kinds


def test_words() -> None:
    assert str(Reply(code=250, enhanced="2.0.0", text="OK")) == "250 2.0.0 OK"
    assert str(Reply(code=354, text="go")) == "354 go"
    assert str(Reply(code=250)) == "250"
