"""A connection is known by its network."""

import pytest

from percorso.core.hosts.host import Host
from percorso.core.hosts.origin import host_of
from percorso.core.tls.requirement import ENCRYPTED


def host(name: str, *networks: str) -> Host:
    return Host(name=name, primary=(), requirement=ENCRYPTED, networks=networks)


HOSTS = (host("wide", "10.0.0.0/8", "2001:db8::/32"), host("gw", "10.1.2.0/24", "192.0.2.7"), host("none"))


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("10.9.9.9", "wide"),
        ("10.1.2.3", "gw"),
        ("192.0.2.7", "gw"),
        ("::ffff:192.0.2.7", "gw"),
        ("192.0.2.8", ""),
        ("2001:db8::5", "wide"),
        ("2001:db9::5", ""),
    ],
)
def test_host_of(client: str, name: str) -> None:
    assert host_of(client, HOSTS) == name
