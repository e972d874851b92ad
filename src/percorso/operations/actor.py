"""Who acts: the person at the command line, as the audit log names them, and as whom the node's files are touched."""

import os
import pwd
from pathlib import Path

import msgspec


class NotAllowed(Exception):
    """The actor may not do this; the message says who may."""


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts, and from where."""

    name: str  # "root (uid 0)"
    source: str  # "cli", or "api" and "console" with the address


def operating_system_user() -> Actor:
    """The user who runs this process."""
    uid = os.getuid()
    return Actor(name=f"{_user(uid)} (uid {uid})", source="cli")


def become_owner(folder: Path) -> None:
    """Touch the node's files as their owner does: root takes the owner's place, others must be the owner.

    Raises `NotAllowed`. A folder that does not exist yet belongs to who makes it.
    """
    try:
        owner = folder.stat()
    except FileNotFoundError:
        return
    except PermissionError:
        raise NotAllowed(f"{folder} cannot be reached by {_user(os.geteuid())}; run this as its owner") from None
    if owner.st_uid == os.geteuid():
        return
    if os.geteuid() != 0:
        name = _user(owner.st_uid)
        raise NotAllowed(f"{folder} belongs to {name}; run this as {name}, such as with `sudo -u {name} percorso …`")
    os.setgroups([owner.st_gid])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
