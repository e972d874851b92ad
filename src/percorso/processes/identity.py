"""As whom a node runs: started as root, it binds its ports and then gives root up for good.

The data directory must belong to the user that is left. One that is new or empty is given to it; one with anything in
it is never taken over, because what lies in it may be somebody else's.
"""

import grp
import logging
import os
import pwd
from pathlib import Path

import msgspec

_log = logging.getLogger("percorso")


class BadUser(Exception):
    """The node cannot run as this user; the message says why, and what to do."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A user to run as, with the user's own group and all others."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    def drop_to(self) -> None:
        """Become this user, with no way back; nothing to do for who already is. Raises `BadUser`."""
        if os.geteuid() == self.uid:
            return
        try:
            os.setgroups(self.groups)
            os.setresgid(self.gid, self.gid, self.gid)
            os.setresuid(self.uid, self.uid, self.uid)
        except OSError as error:
            raise BadUser(f"cannot become {self.name}: {error.strerror}") from None
        if os.getresuid() != (self.uid,) * 3 or os.getresgid() != (self.gid,) * 3:
            raise BadUser(f"the system kept some of root's rights when becoming {self.name}; nothing was started")
        for file in (os.__file__, __file__):
            if not os.access(file, os.R_OK):
                raise BadUser(
                    f"{self.name} cannot read {file}; install Python and Percorso where every user can read them"
                )


def identity(user: str, directory: Path) -> Identity | None:
    """As whom to run, with a data directory of that user's own; None: as whoever we are. Raises `BadUser`."""
    if user:
        found = _named(user)
        give(directory, found)
        return found
    if os.geteuid() == 0:
        _refuse_mixture(directory)
        _log.warning("this node runs as root; set [node] user, and it is root only until its ports are bound")
    return None


def _named(user: str) -> Identity:
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise BadUser(
            f"node: there is no user {user!r} on this machine; make it, such as with `useradd --system {user}`, "
            "or correct [node] user"
        ) from None
    if found.pw_uid == 0:
        raise BadUser(f"node: user {user!r} is root; name a user without its rights, or leave it out")
    if os.geteuid() not in (0, found.pw_uid):
        raise BadUser(
            f"node: only root can become {user!r}; start the node as root or as {user}, or leave [node] user out"
        )
    return Identity(name=user, uid=found.pw_uid, gid=found.pw_gid, groups=_groups(user, found.pw_gid))


def give(directory: Path, owner: Identity) -> None:
    """See that the data directory belongs to its owner. Raises `BadUser` where it is somebody else's."""
    if os.geteuid() != 0:
        return
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    entries = list(directory.iterdir())
    if not entries:
        os.chown(directory, owner.uid, owner.gid, follow_symlinks=False)
    foreign = next((path for path in (directory, *entries) if path.lstat().st_uid != owner.uid), None)
    if foreign:
        raise BadUser(
            f"{foreign} does not belong to {owner.name}, as whom the node is to run; "
            f"give it to {owner.name}, such as with `chown -R {owner.name}: {directory}`"
        )


def _refuse_mixture(directory: Path) -> None:
    """Root's files among another's would lock that one out."""
    owner = directory.stat().st_uid if directory.exists() else 0
    if owner != 0:
        raise BadUser(
            f"{directory} belongs to {_name(owner)}, and the node would run as root; "
            f'set [node] user = "{_name(owner)}", or start it as that user'
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _groups(user: str, gid: int) -> tuple[int, ...]:
    return tuple(sorted({gid, *(group.gr_gid for group in grp.getgrall() if user in group.gr_mem)}))
