"""What the trial and the measurements write for a node is what a node takes."""

import tomllib
from pathlib import Path

from bench.gateway import ENTRIES, ROUTING_RULES, customers, settings
from percorso.config.read import read_configuration
from percorso.core.settings.validation import check_tables
from percorso.lab.bench import SETTINGS as BENCH_SETTINGS
from percorso.lab.node import Node, NodePlan
from percorso.lab.settings import document


def test_the_configuration_is_sound(tmp_path: Path) -> None:
    plan = NodePlan(folder=tmp_path, ca_file=tmp_path / "ca.pem", dns_port=5353, delivery_port=2500)
    (tmp_path / "ca.pem").touch()
    node = Node(plan)
    node.write_configuration()
    read = read_configuration(node.config, {})
    assert read.delivery.port == 2500
    assert read.dns.servers == ("127.0.0.1:5353",)
    assert read.listener[0].address == f"127.0.0.1:{node.port}"
    assert read.store_dir == node.data_dir


def test_the_settings_of_the_trial_are_sound() -> None:
    checked = check_tables(tomllib.loads(document(2525)))
    assert checked.problems == ()
    assert checked.document is not None
    assert {unit.path for unit in checked.document.unit} == {"/Open", "/Required", "/Always", "/Fallback"}


def test_the_settings_of_the_quick_measurement_are_sound() -> None:
    assert check_tables(tomllib.loads(BENCH_SETTINGS)).problems == ()


def test_the_settings_of_the_benchmark_are_sound_and_large() -> None:
    tables = tomllib.loads(settings())
    tables["address_list"][0] = {"name": "customers", "entries": customers().split()}
    checked = check_tables(tables)
    assert checked.problems == ()
    assert checked.document is not None
    assert len(checked.document.address_list[0].entries) == ENTRIES
    assert len(checked.document.routing_rule) == ROUTING_RULES
    assert len(checked.document.routing_rule) + len(checked.document.tls_compliance) == 1000
