"""A webhook over loopback: verified, bounded, and no way into the network."""

import http.server
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from percorso.net.webhook import NotPosted, Webhook

Taken = list[tuple[str, bytes, str]]


class Hook(http.server.BaseHTTPRequestHandler):
    """Answers with the statuses in turn, the last one for ever."""

    statuses: list[int]
    taken: Taken

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append((self.path, body, self.headers.get("Percorso-Signature", "")))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        self.send_response(status)
        if status in {301, 302}:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(*statuses: int, context: ssl.SSLContext | None = None) -> Iterator[tuple[int, Taken]]:
    taken: Taken = []
    handler = type("Hook", (Hook,), {"statuses": list(statuses), "taken": taken})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1], taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def webhook(pauses: list[float]) -> Webhook:
    return Webhook(pause=pauses.append)


def test_it_is_posted_once(webhook: Webhook, pauses: list[float]) -> None:
    with serving(204) as (port, taken):
        webhook.post(f"http://127.0.0.1:{port}/hook?a=b", b"{}", {"Percorso-Signature": "s"})
    assert taken == [("/hook?a=b", b"{}", "s")]
    assert pauses == []


def test_it_is_tried_again_and_given_up(webhook: Webhook, pauses: list[float]) -> None:
    with serving(503, 429, 200) as (port, taken):
        webhook.post(f"http://127.0.0.1:{port}/", b"{}", {})
    assert len(taken) == 3
    with serving(500) as (port, taken), pytest.raises(NotPosted, match="it answered 500"):
        webhook.post(f"http://127.0.0.1:{port}/", b"{}", {})
    assert len(taken) == 3
    assert pauses == [1.0, 5.0] * 2


@pytest.mark.parametrize("status", [302, 404])
def test_neither_redirect_nor_refusal_is_followed(webhook: Webhook, status: int) -> None:
    with serving(status) as (port, taken), pytest.raises(NotPosted, match=str(status)):
        webhook.post(f"http://127.0.0.1:{port}/", b"{}", {})
    assert [path for path, _, _ in taken] == ["/"]


def test_the_certificate_is_verified(pauses: list[float], tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    trusting = Webhook(ca_file=str(tmp_path / "ca.pem"), pause=pauses.append)
    with serving(200, context=context) as (port, taken):
        trusting.post(f"https://localhost:{port}/", b"{}", {})
        with pytest.raises(NotPosted, match=r"(?i)verify failed"):
            Webhook(pause=pauses.append).post(f"https://localhost:{port}/", b"{}", {})
        with pytest.raises(NotPosted, match=r"(?i)verify failed"):
            trusting.post(f"https://127.0.0.1:{port}/", b"{}", {})  # another name than the certificate's
    assert len(taken) == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("10.0.0.5", "private"),
        ("192.168.1.1", "private"),
        ("fd00::1", "private"),
        ("::ffff:10.0.0.5", "private"),
        ("169.254.169.254", "nothing is posted"),
        ("fe80::1", "nothing is posted"),
        ("224.0.0.1", "nothing is posted"),
        ("0.0.0.0", "nothing is posted"),
    ],
)
def test_a_name_cannot_lead_into_the_network(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    _names_lead_to(monkeypatch, address)
    with pytest.raises(NotPosted, match=words):
        webhook.post("https://hook.example/", b"{}", {})


def test_plaintext_stays_on_this_machine(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    _names_lead_to(monkeypatch, "198.51.100.1")
    with pytest.raises(NotPosted, match="https"):
        webhook.post("http://localhost/", b"{}", {})


def test_one_private_address_among_public_ones_is_enough(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    _names_lead_to(monkeypatch, "8.8.8.8", "10.0.0.5")
    with pytest.raises(NotPosted, match="private"):
        webhook.post("https://hook.example/", b"{}", {})


def test_a_private_network_can_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def refuse(address: tuple[str, int], **_: object) -> socket.socket:
        tried.append(address[0])
        raise ConnectionRefusedError("refused")

    _names_lead_to(monkeypatch, "10.0.0.5")
    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(NotPosted, match="refused"):
        Webhook(networks=["10.0.0.0/8"], pause=lambda _: None).post("https://hook.example/", b"{}", {})
    assert set(tried) == {"10.0.0.5"}


def _names_lead_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def look_up(_host: str, port: int, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        families = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (families[ipaddress.ip_address(one).version], socket.SOCK_STREAM, 0, "", (one, port)) for one in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
