"""`percorso doctor` on a node that runs: what it finds of the node itself, with no network to look at."""

import json
import subprocess

from percorso.lab.node import free_port
from tests.node.running import PROGRAM, RunningNode, environment

SETTINGS = '[organization]\ndomains = ["corp.test"]\n'


def test_a_node_that_runs_is_no_open_relay(node: RunningNode) -> None:
    port = free_port()
    text = node.config.read_text().replace('"127.0.0.1:0"', f'"127.0.0.1:{port}"', 1)
    node.config.write_text(f'{text}[dns]\nservers = ["127.0.0.1:1"]\n')
    settings = node.folder / "settings.toml"
    settings.write_text(SETTINGS)
    node.verb("settings", "apply", str(settings))
    node.start()
    command = (*PROGRAM, "doctor", "--json", "--target", f"127.0.0.1:{port}", "--config", str(node.config))
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=node.folder, env=environment())
    found = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert found[f"outbound port {port}"]["health"] == "ok"
    assert found["resolver"]["health"] == "fail"
    assert found[f"open relay 127.0.0.1:{port}"]["health"] == "ok"
    assert "550 5.7.1" in found[f"open relay 127.0.0.1:{port}"]["seen"]
    assert found["file modes"]["health"] == "ok"
    assert found["certificate"]["health"] == "ok"
    assert found["disk space"]["health"] in {"ok", "warn"}
    assert found["settings"]["health"] == "ok"
    assert node.process.poll() is None
