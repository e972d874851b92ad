"""Everything that the benchmark measures gets every message from the source to the sink."""

import datetime
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
def test_every_message_arrives(server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = reachable(tmp_path_factory.mktemp("bench"))
    bench = Bench(
        folder, Authority(folder, now=datetime.datetime.now(datetime.UTC)), load=Load(messages=50, warm_up=20)
    )
    figures = bench.one(server, lambda _taken, _all: None)
    assert (figures.messages, figures.lost, figures.doubled) == (50, 0, 0)
    assert figures.memory_mib > 0


def reachable(folder: Path) -> Path:
    """A folder that Postfix's own user can reach, too: pytest's are closed to others."""
    for part in (folder, *folder.parents[:2]):
        part.chmod(part.stat().st_mode | 0o011)
    return folder
