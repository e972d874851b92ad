"""The unit for systemd: it fits the node, and systemd takes it."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from percorso.config.schema import Configuration

UNIT = Path(__file__).parents[2] / "packaging" / "percorso.service"


def service() -> dict[str, str]:
    """What the unit says of the service; of a key that comes more than once, the last."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as the library's manual has it
    parser.read(UNIT)
    return dict(parser["Service"])


def test_stopping_has_the_time_that_the_node_may_take() -> None:
    assert float(service()["TimeoutStopSec"]) >= Configuration().node.grace + 5.0 + 10.0  # and closing the store


def test_the_sandbox() -> None:
    told = service()
    assert {
        "Type": "notify", "KillMode": "mixed", "Restart": "always", "ProtectSystem": "strict", "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "CAP_NET_BIND_SERVICE", "StateDirectory": "percorso",
    }.items() <= told.items()  # fmt: skip
    assert told["Environment"] == f"PERCORSO_NODE__DATA_DIR=/var/lib/{told['StateDirectory']}"
    assert "WatchdogSec" in told


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here to judge its unit")
def test_systemd_takes_it(tmp_path: Path) -> None:
    text = UNIT.read_text()
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    text = re.sub(r"^(User|Group)=.*", r"\1=daemon", text, flags=re.MULTILINE)
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
