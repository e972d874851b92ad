"""Debian's Exim (with GnuTLS) as a peer of its own: private configuration, spool, log and mailboxes.

    with EximInstance(domains=["bank.test"], chain_file=pem) as exim:
        ...  # deliver to exim.host, exim.port
        (arrived,) = exim.wait_for(1)

It takes every recipient of its domains into one maildir and sends nothing on. `settings` are main options as they are,
such as `{"tls_require_ciphers": "NORMAL:-VERS-TLS1.3"}`. Needs root.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.peers import exim_program
from tests.real_peers.receiver import Receiver

EXIM_USER = "Debian-exim"

RULES = """
begin acl
rcpt:
  accept domains = +ours
  deny message = relay not permitted

begin routers
all:
  driver = accept
  transport = mailbox

begin transports
mailbox:
  driver = appendfile
  maildir_format
  directory = {maildir}
  create_directory
  return_path_add
  headers_add = X-Original-To: $local_part@$domain
"""


class EximInstance(Receiver):
    """A running Exim. `chain_file` is a PEM file with the key, then the certificates; without it, no TLS."""

    def __init__(
        self,
        *,
        domains: Sequence[str],
        hostname: str = "mx.test",
        chain_file: Path | None = None,
        address: tuple[str, int] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__("exim", address)
        self._domains = domains
        self._chain_file = chain_file
        self._options = self._common(hostname) | self._tls() | dict(settings or {})

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted((self.directory / "log").glob("*")))

    def _common(self, hostname: str) -> dict[str, str]:
        return {
            "primary_hostname": hostname,
            "spool_directory": f"{self.directory}/spool",
            "log_file_path": f"{self.directory}/log/%s",
            "pid_file_path": f"{self.directory}/exim.pid",
            "local_interfaces": f"<; {self.host}.{self.port}",
            "acl_smtp_rcpt": "rcpt",
            "deliver_drop_privilege": "true",
            "keep_environment": "",
            "message_size_limit": "100M",
            "dsn_advertise_hosts": "*",
            "log_selector": "+tls_cipher +received_recipients",
        }

    def _tls(self) -> dict[str, str]:
        if self._chain_file is None:
            return {"tls_advertise_hosts": ""}
        return {"tls_advertise_hosts": "*", "tls_certificate": f"{self.directory}/chain.pem"}

    def _write_configuration(self) -> None:
        for name in ("spool", "log", "mail"):
            (self.directory / name).mkdir()
            shutil.chown(self.directory / name, EXIM_USER, EXIM_USER)
        if self._chain_file is not None:
            chain = self.directory / "chain.pem"
            shutil.copy(self._chain_file, chain)
            chain.chmod(0o600)
            shutil.chown(chain, EXIM_USER)
        options = "".join(f"{key} = {value}\n" for key, value in self._options.items())
        ours = f"domainlist ours = {' : '.join(self._domains)}\n"
        (self.directory / "exim.conf").write_text(options + ours + RULES.format(maildir=self.maildir))

    def _command(self) -> Sequence[str | Path]:
        program = exim_program()
        assert program is not None, "mark the test with requires_peer('exim')"
        return [program, "-C", self.directory / "exim.conf", "-bdf"]
