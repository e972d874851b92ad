"""Secrets: set, list, remove. None is ever shown; the audit log has their names."""

from collections.abc import Iterator

from percorso.core.settings.problem import title
from percorso.core.settings.schema import Document
from percorso.operations.actor import Actor
from percorso.ports.audit import AuditEntry, AuditLog
from percorso.ports.secrets import SecretStore, check_secret_name

_KEYS = ("password_secret", "client_certificate_secret")


class NoSuchSecret(LookupError):
    """There is no secret of that name on this node."""


class EmptySecret(ValueError):
    """Nothing was given."""


def set_secret(store: SecretStore, audit: AuditLog, name: str, value: bytes, *, actor: Actor, now: float) -> None:
    """Keep a secret, in place of an older one of that name. Audited before it is done, so never unseen.

    The line end of a secret of one line is no part of it. Raises `BadSecretName` or `EmptySecret`.
    """
    check_secret_name(name)
    kept = value.rstrip(b"\r\n") if value.count(b"\n") <= 1 else value
    if not kept:
        raise EmptySecret(f"the secret {name!r} is empty; give it on standard input or with --file")
    audit.append(_entry("secret:set", name, actor, now))
    store.set(name, kept)


def list_secrets(store: SecretStore) -> list[str]:
    """Their names."""
    return store.names()


def remove_secret(store: SecretStore, audit: AuditLog, name: str, *, actor: Actor, now: float) -> None:
    """Forget a secret. Raises `NoSuchSecret`."""
    if name not in store.names():
        raise NoSuchSecret(f"there is no secret {name!r} on this node; see `percorso secret list`")
    audit.append(_entry("secret:remove", name, actor, now))
    store.remove(name)


def named_secrets(document: Document) -> Iterator[tuple[str, str, str]]:
    """The secrets that the settings name: the table, key and name."""
    for host in document.host:
        for key in _KEYS:
            if name := getattr(host, key):
                yield title("host", host.name), key, name
    for table in document.dkim:
        yield title("dkim", table.domain), "key_secret", table.key_secret


def missing_secrets(document: Document, store: SecretStore) -> Iterator[str]:
    """What the settings name and this node does not have, each with what to do. Other nodes may have it."""
    names = set(store.names())
    for table, key, name in named_secrets(document):
        if name not in names:
            yield (
                f'{table}: {key} = "{name}" is not on this node; set it with `percorso secret set {name}` on every node'
            )


def _entry(event: str, name: str, actor: Actor, now: float) -> AuditEntry:
    return AuditEntry(at=now, actor=actor.name, source=actor.source, event=event, subject=name)
