"""Where we listen, and what of that is ourselves."""

import pytest

from percorso.net.listening import CannotListen, is_local, listen, listens_at


def test_the_machine_knows_its_own_addresses() -> None:
    assert is_local("127.0.0.1")
    assert not is_local("192.0.2.1")
    assert not is_local("2001:db8::1")


@pytest.mark.parametrize(
    ("listeners", "address", "ours"),
    [
        (["127.0.0.1:25"], "127.0.0.1", True),
        (["127.0.0.1:25"], "127.0.0.2", False),
        (["127.0.0.1:2525"], "127.0.0.1", False),
        (["0.0.0.0:25"], "127.0.0.2", True),
        (["0.0.0.0:25"], "192.0.2.1", False),
        (["0.0.0.0:25"], "::1", False),
        (["[::]:25"], "127.0.0.1", False),
        (["127.0.0.1:2525", "0.0.0.0:25"], "127.0.0.9", True),
    ],
)
def test_where_mail_would_come_back_to_us(listeners: list[str], address: str, ours: bool) -> None:
    assert listens_at(listeners, address, port=25) is ours


def test_an_address_is_taken_once() -> None:
    first, second = listen("127.0.0.1:0", count=2)
    port = first.getsockname()[1]
    assert second.getsockname()[1] == port
    with pytest.raises(CannotListen, match="another Percorso"):
        listen(f"127.0.0.1:{port}", count=1)
    first.close()
    second.close()
