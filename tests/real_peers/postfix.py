"""Debian's Postfix as a peer of its own: private configuration, queue, log and mailboxes, gone after the test.

    with PostfixInstance(domains=["bank.test"], chain_file=pem) as postfix:
        ...  # deliver to postfix.host, postfix.port
        (arrived,) = postfix.wait_for(1)
        assert arrived.tls == "TLSv1.3"

It takes every recipient of its domains into one maildir and sends nothing on. `settings` go into main.cf as they are:
`{"default_transport": "smtp", "relayhost": "[127.0.0.1]:2525", "smtpd_relay_restrictions": "permit_mynetworks"}`
makes a sender of it, `{"smtpd_tls_mandatory_protocols": "TLSv1.2"}` a dated receiver. Needs root, as Postfix does.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.peers import POSTFIX
from tests.real_peers.receiver import Receiver

DAEMONS = Path("/usr/lib/postfix/sbin")
MAILBOX_USER = "nobody"
QUEUE_FOLDERS = (
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "pid", "private",
    "public", "saved", "trace",
)  # fmt: skip

MASTER_CF = """\
{host}:{port} inet n - n - - smtpd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""


class PostfixInstance(Receiver):
    """A running Postfix. `chain_file` is a PEM file with the key, then the certificates; without it, no TLS."""

    def __init__(
        self,
        *,
        domains: Sequence[str],
        hostname: str = "mx.test",
        chain_file: Path | None = None,
        address: tuple[str, int] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__("postfix", address)
        self._main_cf = self._common(hostname, domains) | self._tls(chain_file) | dict(settings or {})

    def _command(self) -> Sequence[str | Path]:
        return [DAEMONS / "master", "-c", self.directory / "etc", "-d"]

    def log(self) -> str:
        log = self.directory / "maillog"
        return log.read_text(errors="replace") if log.exists() else ""

    def queued(self) -> str:
        """What Postfix has in its queue, as JSON lines."""
        command: list[str | Path] = ["/usr/sbin/postqueue", "-c", self.directory / "etc", "-j"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout

    def _common(self, hostname: str, domains: Sequence[str]) -> dict[str, str]:
        user = pwd.getpwnam(MAILBOX_USER)
        return {
            "compatibility_level": "3.6",
            "queue_directory": f"{self.directory}/queue",
            "data_directory": f"{self.directory}/data",
            "command_directory": str(POSTFIX.parent),
            "daemon_directory": str(DAEMONS),
            "maillog_file": f"{self.directory}/maillog",
            "maillog_file_prefixes": str(self.directory),
            "myhostname": hostname,
            "mydestination": "",
            "inet_interfaces": "loopback-only",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions": "reject_unauth_destination",
            "smtpd_peername_lookup": "no",
            "smtp_dns_support_level": "disabled",
            "alias_maps": "",
            "default_transport": "error:5.3.2 this server sends nothing on",
            "virtual_mailbox_domains": ", ".join(domains),
            "virtual_mailbox_base": f"{self.directory}/mail",
            "virtual_mailbox_maps": "static:all/",
            "virtual_uid_maps": f"static:{user.pw_uid}",
            "virtual_gid_maps": f"static:{user.pw_gid}",
            "virtual_mailbox_limit": "0",
            "message_size_limit": "104857600",
        }

    @staticmethod
    def _tls(chain_file: Path | None) -> dict[str, str]:
        if chain_file is None:
            return {"smtpd_tls_security_level": "none"}
        return {
            "smtpd_tls_security_level": "may",
            "smtpd_tls_chain_files": str(chain_file),
            "smtpd_tls_received_header": "yes",
            "smtpd_tls_loglevel": "1",
        }

    def _write_configuration(self) -> None:
        for name in ("etc", "queue", "data", "mail"):
            (self.directory / name).mkdir()
        shutil.chown(self.directory / "data", "postfix")
        shutil.chown(self.directory / "mail", MAILBOX_USER)
        main_cf = "".join(f"{key} = {value}\n" for key, value in self._main_cf.items())
        (self.directory / "etc/main.cf").write_text(main_cf)
        os.utime(self.directory / "etc/main.cf", (0, 0))  # Postfix waits for a young file to settle
        (self.directory / "etc/master.cf").write_text(MASTER_CF.format(host=self.host, port=self.port))
        for folder in QUEUE_FOLDERS:
            path = self.directory / "queue" / folder
            path.mkdir(mode=0o755 if folder in {"pid", "public"} else 0o700)
            shutil.chown(path, "root" if folder == "pid" else "postfix")
