"""The command line as a whole: verbs, help, exit codes, and what a broken configuration says."""

import importlib
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
import typer

from percorso.cli.main import VERBS, build
from percorso.cli.starters import Starters
from percorso.config.schema import Configuration
from tests.cli.terminal import CommandLine


def verbs() -> list[tuple[str, ...]]:
    """Every verb with its subordinate verbs."""
    nothing = Starters(serve=lambda _: 0, lab=lambda *_: 0, bench=lambda _: 0, stores=_never, network=_never)
    group = typer.main.get_group(build(nothing, ""))
    found: list[tuple[str, ...]] = []
    for name, verb in group.commands.items():
        below = getattr(verb, "commands", None)
        found += [(name, one) for one in below] if below else [(name,)]
    return found


def _never(_: Configuration) -> NoReturn:
    raise AssertionError


def test_every_file_of_a_verb_is_known() -> None:
    for verb in VERBS:
        assert callable(importlib.import_module(f"percorso.cli.{verb.replace('-', '_')}").add)


@pytest.mark.parametrize("verb", verbs(), ids=" ".join)
def test_every_verb_has_help_with_an_example_and_json(verb: tuple[str, ...], command: CommandLine) -> None:
    if verb == ("bench",):
        return  # its options are the benchmark's own
    ran = command.run(*verb, "--help")
    assert ran.code == 0
    assert f"Example: percorso {' '.join(verb)}" in ran.out
    assert "--json" in ran.out


def test_without_a_verb_there_is_help(command: CommandLine) -> None:
    ran = command.run()
    assert ran.code == 2
    assert all(verb in ran.out + ran.err for verb in VERBS)


@pytest.mark.parametrize("arguments", [("serv",), ("queue", "lst"), ("settings", "check"), ("log", "show", "--nope")])
def test_used_wrongly(command: CommandLine, arguments: tuple[str, ...]) -> None:
    ran = command.run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


def test_verbs_start_what_they_are_given(command: CommandLine) -> None:
    assert command.run("serve", "--json").code == 0
    assert command.run("lab", "--keep").code == 1
    assert command.run("bench", "--pairs", "3", "--help").code == 0
    configuration, lab, bench = command.started
    assert isinstance(configuration, Configuration)
    assert configuration.log.format == "json"
    assert (lab, bench) == ((True, False), ["--pairs", "3", "--help"])


def test_the_configuration_may_be_named_after_the_verb(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text("[delivery]\nport = 2525\n")
    command.run("serve", "--config", "node.toml")
    (configuration,) = command.started
    assert isinstance(configuration, Configuration)
    assert configuration.delivery.port == 2525


def test_a_broken_configuration(command: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "percorso.toml").write_text('[delivry]\n[[listener]]\naddress = "*:25"\n')
    for verb in (("serve",), ("queue", "list"), ("settings", "history")):
        ran = command.run(*verb)
        assert (ran.code, ran.out) == (2, "")
        first, second = ran.err.splitlines()
        assert first == 'percorso.toml:1: unknown key "delivry"; did you mean "delivery"?'
        assert second.startswith('percorso.toml:3: listener "*:25": this is no address; ')
    assert not command.started


def test_files_of_another_user(command: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = command.node.stores.folder.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    ran = command.run("queue", "list")
    assert ran.code == 2
    assert "run this as" in ran.err


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(command: CommandLine, option: str) -> None:
    ran = command.run(option)
    assert ran.code == 0
    assert ran.out.startswith("percorso ")
    assert command.run("--version", "--help").code == 0


def test_the_version_needs_nothing_heavy() -> None:
    """So that it answers at once: neither the libraries of the command line nor those of the settings."""
    program = (
        "import sys\n"
        "from percorso.cli.main import run\n"
        "assert run(None, ['--version']) == 0\n"
        "print(sorted({'typer', 'rich', 'pydantic', 'apsw', 'cryptography', 'dns'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.splitlines()[1] == "[]"
