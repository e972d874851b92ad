"""Postfix as a relay of its own: its configuration, queue and data in one folder, nothing of the system's touched.

Tuned for this load, and fair: no limit below the number of connections, cached TLS connections to the sink, no delay
that throttles reception. As shipped: a queue on disk, synced before 250. No service that this load does not use.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.servers import Running, Surroundings, free_port, wait_for_greeting

POSTFIX = Path("/usr/sbin/postfix")
_MASTER = Path("/usr/lib/postfix/sbin/master")
_META = Path("/etc/postfix")  # post-install and the list of directories, read only

_MAIN = """\
compatibility_level = 3.6
config_directory = {folder}/etc
queue_directory = {folder}/queue
data_directory = {folder}/data
meta_directory = {meta}
daemon_directory = {daemons}
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.bench.test
mydestination =
alias_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtputf8_enable = no

default_process_limit = 200
in_flow_delay = 0
qmgr_message_active_limit = 40000
qmgr_message_recipient_limit = 40000
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_peername_lookup = no

relayhost = [127.0.0.1]:{sink_port}
disable_dns_lookups = yes
initial_destination_concurrency = {connections}
default_destination_concurrency_limit = {connections}
smtp_destination_concurrency_limit = {connections}
smtp_connection_cache_on_demand = yes
smtp_connection_cache_destinations = [127.0.0.1]:{sink_port}
smtp_tls_connection_reuse = yes
smtp_connection_reuse_time_limit = 3600s
smtp_tls_security_level = encrypt
smtp_tls_CAfile = {ca_file}
smtp_tls_mandatory_protocols = >=TLSv1.3

smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_mandatory_protocols = >=TLSv1.3
smtpd_recipient_restrictions = permit_mynetworks, reject
"""

_MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
tlsproxy unix - - n - 0 tlsproxy
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""


def why_not() -> str | None:
    """Why Postfix cannot run here, or None."""
    if not _MASTER.exists():
        return "Postfix is not installed; on Debian `scripts/peers.sh` installs it"
    return None if os.geteuid() == 0 else "Postfix's master starts only as root"


def _configure(surroundings: Surroundings, port: int) -> Path:
    folder = surroundings.folder
    folder.chmod(0o755)  # Postfix's own user reads in it
    for name in ("etc", "queue", "data"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix", "postfix")
    values = {
        "folder": folder, "meta": _META, "daemons": _MASTER.parent, "sink_port": surroundings.sink_port,
        "connections": surroundings.connections, "ca_file": surroundings.ca_file,
        "certificate": surroundings.server.certificate, "key": surroundings.server.key,
    }  # fmt: skip
    (folder / "etc/main.cf").write_text(_MAIN.format(**values), encoding="utf-8")
    (folder / "etc/master.cf").write_text(_MASTER_CF.format(port=port), encoding="utf-8")
    return folder / "etc"


class Postfix:
    """Postfix, as Debian ships it."""

    name = "Postfix"
    starttls = True

    @contextmanager
    def run(self, surroundings: Surroundings) -> Iterator[Running]:
        """Start a master of our own; it ends with its children."""
        port = free_port()
        configuration = _configure(surroundings, port)
        environment = {**os.environ, "MAIL_CONFIG": str(configuration)}
        subprocess.run([POSTFIX, "-c", configuration, "check"], check=True, timeout=60, capture_output=True)  # noqa: S603 (fixed arguments)
        master = subprocess.Popen(  # noqa: S603 (fixed arguments)
            [_MASTER, "-c", configuration], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            wait_for_greeting(port)
            yield Running(port=port, process=master.pid)
        finally:
            master.send_signal(signal.SIGTERM)  # the master ends its process group
            master.wait(timeout=30)
