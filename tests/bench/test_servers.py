"""Everything that the benchmark measures gets every message from the source to the sink."""

import datetime
import tempfile
from pathlib import Path

import pytest

from bench.pairs import Bench, Load
from bench.pipe import Direct, Pipe
from bench.postfix import Postfix
from bench.servers import Server
from percorso.lab.certificates import Authority
from percorso.lab.load import usage
from tests.peers import requires_peer

pytestmark = pytest.mark.skipif(not usage.available(), reason="measuring reads /proc")


@pytest.mark.parametrize(
    "server",
    [Direct(), Pipe(), pytest.param(Postfix(), marks=requires_peer("postfix"))],
    ids=lambda server: server.name,
)
def test_every_message_arrives(server: Server) -> None:
    with tempfile.TemporaryDirectory(prefix="percorso-") as name:  # pytest's folders are closed to Postfix's own user
        folder = Path(name)
        folder.chmod(0o711)
        authority = Authority(folder, now=datetime.datetime.now(datetime.UTC))
        figures = Bench(folder, authority, load=Load(messages=50, warm_up=20)).one(server, lambda _taken, _all: None)
    assert (figures.messages, figures.lost, figures.doubled) == (50, 0, 0)
    assert figures.memory_mib > 0
