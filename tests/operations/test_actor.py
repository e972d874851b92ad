"""Who acts, and on whose files."""

import os
import pwd
from pathlib import Path

import pytest

from percorso.operations import actor


def test_the_actor_is_who_runs_the_command() -> None:
    found = actor.operating_system_user()
    assert found.name == f"{pwd.getpwuid(os.getuid()).pw_name} (uid {os.getuid()})"
    assert found.source == "cli"


def test_an_own_folder_or_one_not_yet_there(tmp_path: Path) -> None:
    before = os.geteuid()
    actor.become_owner(tmp_path)
    actor.become_owner(tmp_path / "absent")
    assert os.geteuid() == before


def test_others_are_told_who_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(actor.NotAllowed, match=r"belongs to .*; run this as .*, such as with `sudo -u"):
        actor.become_owner(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take another's place")
def test_root_takes_the_owners_place(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    child = os.fork()
    if child == 0:
        actor.become_owner(tmp_path)
        os._exit(0 if (os.geteuid(), os.getegid(), os.getuid()) == (65534, 65534, 0) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
