"""Hosts that a change of settings brings, tried on the in-memory network before it is made."""

from pathlib import Path

import pytest

from percorso.operations.settings import Plan, apply, plan
from percorso.operations.settings_file import check_settings
from percorso.operations.try_hosts import new_hosts, try_hosts
from tests.network.credential import Credential
from tests.network.network import Network
from tests.network.peer import Fault, Peer, Step
from tests.network.ways_out import ways_out
from tests.operations.stores_in_memory import ROOT, Node

SETTINGS = """
[organization]
domains = ["corp.test"]
min_tls = "1.3"
[[host]]
name = "encryptor"
primary = [{ address = "gw.corp.test", port = 587 }]
"""


def planned(node: Node, text: str = SETTINGS) -> Plan:
    return plan(node.settings, check_settings(text, Path("settings.toml")))


async def tried(node: Node, *servers: Peer, text: str = SETTINGS) -> list[str]:
    network = Network()
    if servers:
        network.domain("corp.test", *servers)
    found = await try_hosts(planned(node, text), ways_out(network), patience=5.0)
    assert not network.accepted
    return found


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


async def test_a_host_that_does(node: Node) -> None:
    assert await tried(node, Peer("gw.corp.test", port=587)) == []


async def test_a_host_that_does_not_meet_what_it_is_asked(node: Node) -> None:
    (told,) = await tried(node, Peer("gw.corp.test", port=587, credential=Credential(trusted=False)))
    assert told.startswith('host "encryptor": gw.corp.test[')
    assert "does not meet encrypted, TLS 1.3 or later" in told
    assert "certificate-not-trusted" in told


async def test_a_host_that_is_not_there(node: Node) -> None:
    (told,) = await tried(node)
    assert "The host encryptor has no server to try" in told


async def test_a_host_that_does_not_answer(node: Node) -> None:
    (told,) = await tried(node, Peer("gw.corp.test", port=587, script={Step.DIAL: Fault.DROP}))
    assert told.endswith(":587: connection refused")


async def test_only_new_and_changed_hosts_are_tried(node: Node) -> None:
    apply(node.settings, planned(node), actor=ROOT, now=1.0)
    other = SETTINGS + '[[address_list]]\nname = "x"\nentries = ["bank.test"]\n'
    assert new_hosts(planned(node, other)) == []
    assert new_hosts(planned(node, SETTINGS.replace("587", "25"))) == ["encryptor"]
    assert await tried(node, text=other) == []
