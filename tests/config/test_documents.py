"""The configuration that docs/upstreams.md shows is one that a node takes."""

import re
from pathlib import Path

from percorso.config.read import read_configuration

PAGE = Path(__file__).parent.parent.parent / "docs/upstreams.md"


def test_the_listeners_of_upstreams(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for name in ("fullchain.pem", "privkey.pem"):
        (tmp_path / name).touch()
    file = tmp_path / "percorso.toml"
    file.write_text(block.replace("/etc/percorso/tls", str(tmp_path)))
    relay, submission = read_configuration(file, {}).listener
    assert (relay.role, relay.networks) == ("relay", ("10.1.2.0/24",))
    assert (submission.role, submission.tls) == ("submission", "starttls")
