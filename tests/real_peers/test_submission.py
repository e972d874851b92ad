"""Submission as people and applications do it: real clients, a real node, and a real server that gets the mail."""

import asyncio
import base64
import re
import smtplib
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import trustme

from percorso.lab.dns_server import DnsServer
from tests.node.running import RunningNode
from tests.peers import requires_peer
from tests.real_peers.postfix import PostfixInstance

PASSWORD = "tàlpa & 1234"
SECRET = "the host's own passw0rd"
SETTINGS = '[organization]\ndomains = ["corp.test"]\n'
MESSAGE = "From: anna@corp.test\r\nTo: bob@bank.test\r\nSubject: hello\r\n\r\nHello.\r\n"
CONFIGURATION = """\
[node]
name = "gate.corp.test"
data_dir = "data"
grace = "5s"

[[listener]]
address = "127.0.0.1:0"
role = "submission"
tls = "starttls"

[[listener]]
address = "127.0.0.1:0"
role = "submission"
tls = "implicit"

[log]
level = "debug"

[console]
address = "127.0.0.1:0"
"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """With two accounts, not started yet."""
    node = RunningNode(tmp_path)
    node.config.write_text(CONFIGURATION)
    (tmp_path / "settings.toml").write_text(SETTINGS)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    (tmp_path / "secret").write_text(SECRET)
    node.verb("settings", "apply", "settings.toml")
    node.verb("account", "add", "anna", "--address", "anna@corp.test", "--password-file", "password")
    (tmp_path / "other").write_text('[[account]]\nname = "scanner"\naddresses = ["scanner@corp.test"]\n')
    exported = node.verb("settings", "export")
    (tmp_path / "settings.toml").write_text(exported + (tmp_path / "other").read_text())
    node.verb("settings", "apply", "settings.toml")  # the scanner has no password yet
    node.verb("secret", "set", "gw", "--file", "secret")
    yield node
    node.stop()


@pytest.fixture
async def world(node: RunningNode, chain_file: Path, authority: trustme.CA) -> AsyncIterator[PostfixInstance]:
    """The node serves, and bank.test is a real Postfix."""
    heard = {"debug_peer_list": "127.0.0.0/8"}  # every command, in its log
    with PostfixInstance(domains=["bank.test"], chain_file=chain_file, settings=heard) as postfix:
        dns = DnsServer({("bank.test", "MX"): ("10 mx.test.",), ("mx.test", "A"): (postfix.host,)})
        port = await dns.start()
        network = f'[dns]\nservers = ["127.0.0.1:{port}"]\n\n[delivery]\nport = {postfix.port}\nipv6 = false\n'
        node.config.write_text(f"{CONFIGURATION}\n{network}")
        await asyncio.to_thread(node.start)
        yield postfix
        await asyncio.to_thread(node.stop)
        await dns.stop()


def ports(node: RunningNode) -> tuple[int, int]:
    """STARTTLS, implicit TLS."""
    node.until(lambda: node.log().count("listening on") == 2, "both listeners are open")
    starttls, implicit = re.findall(r"listening on \S*:(\d+) \(submission", node.log())
    return int(starttls), int(implicit)


def swaks(port: int, *arguments: str, password: str = PASSWORD, sender: str = "anna@corp.test") -> tuple[int, str]:
    """Exit code and dialog; 0 is sent, 28 is not authenticated."""
    command = ["swaks", "--server", f"127.0.0.1:{port}", "--from", sender, "--to", "bob@bank.test"]
    login = ["--auth-user", "anna", "--auth-password", password]
    done = subprocess.run([*command, *login, *arguments], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


@requires_peer("postfix")
@requires_peer("swaks")
async def test_swaks_submits(node: RunningNode, world: PostfixInstance) -> None:
    starttls, implicit = ports(node)
    ways = [
        (starttls, ("--tls", "--auth", "PLAIN")),
        (starttls, ("--tls", "--auth", "LOGIN")),
        (implicit, ("--tls-on-connect", "--auth", "PLAIN")),
        (implicit, ("--tls-on-connect", "--auth", "LOGIN")),
    ]
    for port, arguments in ways:
        code, said = await asyncio.to_thread(swaks, port, *arguments)
        assert code == 0, said
    for arrived in await asyncio.to_thread(world.wait_for, len(ways)):
        assert arrived.sender == "anna@corp.test"
        assert arrived.tls == "TLSv1.3"
        ours = " ".join(arrived.message.get_all("Received", [])[1].split())
        assert " by gate.corp.test with ESMTPSA " in ours


@requires_peer("postfix")
@requires_peer("swaks")
async def test_swaks_is_refused(node: RunningNode, world: PostfixInstance) -> None:
    starttls, _ = ports(node)

    async def refused(*arguments: str, code: int, says: str, **options: str) -> None:
        ended, said = await asyncio.to_thread(swaks, starttls, *arguments, **options)
        assert ended == code, said
        assert says in said

    await refused("--auth", "PLAIN", code=28, says="Host did not advertise authentication")
    await refused("--tls", "--auth", "PLAIN", password="a guess", code=28, says="535 5.7.8 the name or the password")
    await refused("--tls", "--auth", "LOGIN", "--auth-user", "scanner", code=28, says="535 5.7.8 ")
    await refused(
        "--tls", "--auth", "PLAIN", code=23, says="550 5.7.1 the account anna may not", sender="ceo@corp.test"
    )
    without = ["swaks", "--server", f"127.0.0.1:{starttls}", "--tls", "--from", "anna@corp.test", "--to", "b@bank.test"]
    done = await asyncio.to_thread(subprocess.run, without, capture_output=True, text=True, check=False, timeout=60)
    assert "530 5.7.0 authenticate first" in done.stdout
    assert world.arrived() == []


@requires_peer("postfix")
async def test_what_the_sender_asks_of_notices_goes_on(node: RunningNode, world: PostfixInstance) -> None:
    """Postfix hears NOTIFY, RET and ENVID from the node, and does as they say."""

    own = str(node.folder / "data/tls/self-signed.pem")

    def submit(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client._host = "gate.corp.test"  # type: ignore[attr-defined]  # the name to compare
            client.starttls(context=ssl.create_default_context(cafile=own))
            client.ehlo()
            login = base64.b64encode(f"\0anna\0{PASSWORD}".encode()).decode()  # smtplib's own is for ASCII alone
            assert client.docmd("AUTH PLAIN", login)[0] == 235
            client.sendmail(
                "anna@corp.test", ["bob@bank.test"], MESSAGE,
                mail_options=["RET=HDRS", "ENVID=QQ+2B314"],
                rcpt_options=["NOTIFY=SUCCESS", "ORCPT=rfc822;robert@bank.test"],
            )  # fmt: skip

    await asyncio.to_thread(submit, ports(node)[0])
    (arrived,) = await asyncio.to_thread(world.wait_for, 1)
    assert arrived.recipient == "bob@bank.test"
    log = world.log()
    (mail,) = re.findall(r"< \S+: (MAIL FROM:.*)", log)
    (rcpt,) = re.findall(r"< \S+: (RCPT TO:.*)", log)
    assert mail.endswith(" RET=HDRS ENVID=QQ+2B314")
    assert rcpt == "RCPT TO:<bob@bank.test> NOTIFY=SUCCESS ORCPT=rfc822;robert@bank.test"


def everything(node: RunningNode) -> dict[str, bytes]:
    """All that a node shows or keeps, but the files of its secrets and of its key."""
    shown = {
        "log": node.log().encode(),
        "settings": node.verb("settings", "export").encode(),
        "audit": (node.verb("audit", "list", "--json") + node.verb("secret", "list")).encode(),
        "delivery log": node.verb("log", "search", "--json").encode(),
    }
    for process in (node.process.pid, *node.workers()):
        for name in ("cmdline", "environ"):
            shown[f"{process} {name}"] = Path(f"/proc/{process}/{name}").read_bytes()
    for file in (node.folder / "data").rglob("*"):
        if file.is_file() and file.parent.name not in {"secrets", "tls"}:
            shown[str(file)] = file.read_bytes()
    return shown


@requires_peer("postfix")
@requires_peer("swaks")
async def test_nothing_shows_a_password_or_a_secret(node: RunningNode, world: PostfixInstance, tmp_path: Path) -> None:
    """Neither processes, logs, settings, audit log nor any file of the node but the secret's own."""
    starttls, _ = ports(node)
    await asyncio.to_thread(swaks, starttls, "--tls", "--auth", "PLAIN")
    await asyncio.to_thread(swaks, starttls, "--tls", "--auth", "LOGIN", password=f"{PASSWORD} not")
    await asyncio.to_thread(world.wait_for, 1)
    hidden = [PASSWORD.encode(), base64.b64encode(PASSWORD.encode()), SECRET.encode(), b"passw0rd", b"1234"]
    shown = await asyncio.to_thread(everything, node)
    assert (tmp_path / "data/secrets/gw").read_text() == SECRET
    assert "failed to authenticate as anna" in node.log()
    assert any(name.endswith("settings.db") for name in shown)
    found = [(name, one) for name, text in shown.items() for one in hidden if one in text]
    assert found == []
