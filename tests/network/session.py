"""One connection's dialog on the peer's side: octets in, octets out."""

import msgspec

from tests.network.peer import Accepted, Action, Fault, Peer, Step
from tests.network.wire import Wire


class Session:
    """What the peer makes of a connection. `out` is what it said and nobody read yet."""

    def __init__(self, peer: Peer, wire: Wire) -> None:
        self.peer = peer
        self.wire = wire
        self.out = bytearray()
        self.closed = False
        self.silent = False
        self.stalled = False  # reads no more
        self.awaits_handshake = peer.implicit_tls
        self._input = bytearray()
        self._content: bytearray | None = None
        self._sender: str | None = None
        self._parameters = ""
        self._recipients: list[str] = []
        if not peer.implicit_tls:
            self._do(Step.GREETING, reply=f"220 {peer.name} ESMTP")

    def secured(self) -> None:
        """The handshake is done: everything said before is forgotten (RFC 3207, 4.2)."""
        self.awaits_handshake = False
        self._input.clear()
        self._sender = None
        if self.peer.implicit_tls:
            self._do(Step.GREETING, reply=f"220 {self.peer.name} ESMTP")

    def receive(self, data: bytes) -> None:
        """Take in octets and answer every whole line, as a pipelining server does."""
        self._input += data
        while not (self.closed or self.silent or self.awaits_handshake):
            if self._content is not None:
                if not self._take_content():
                    return
                continue
            line, found, rest = self._input.partition(b"\r\n")
            if not found:
                return
            self._input = rest
            self._command(bytes(line).decode("utf-8", "surrogateescape"))

    def _command(self, line: str) -> None:
        verb = line.split(" ", 1)[0].upper()
        handlers = {
            "EHLO": self._ehlo, "HELO": self._helo, "STARTTLS": self._starttls, "AUTH": self._auth, "MAIL": self._mail,
            "RCPT": self._rcpt, "DATA": self._data, "RSET": self._rset, "QUIT": self._quit,
        }  # fmt: skip
        handler = handlers.get(verb)
        if handler:
            handler(line)
        else:
            self._say("250 2.0.0 OK" if verb == "NOOP" else "500 5.5.2 unknown command")

    def _ehlo(self, _line: str) -> None:
        encrypted = self.wire.handshake.encrypted
        offers = [*self.peer.extensions]
        if encrypted:
            offers += self.peer.extensions_tls
        elif self.peer.credential is not None:
            offers.append(self.peer.starttls_keyword)
        lines = [self.peer.name, *offers]
        text = "\r\n".join(f"250{' ' if i == len(lines) - 1 else '-'}{word}" for i, word in enumerate(lines))
        steps = (Step.EHLO_TLS, Step.EHLO) if encrypted else (Step.EHLO,)
        if self._do(*steps, reply=text) and encrypted and "REQUIRETLS" in offers:
            phase = self.wire.phases[-1]
            phase.handshake = msgspec.structs.replace(
                phase.handshake, requiretls_offered=True, name_authenticated=self.wire.target.name_authenticated
            )

    def _helo(self, _line: str) -> None:
        self._do(Step.HELO, reply=f"250 {self.peer.name}")

    def _starttls(self, _line: str) -> None:
        if self.peer.credential is None or self.wire.handshake.encrypted:
            self._say("502 5.5.1 not offered")
        elif self._do(Step.STARTTLS, reply="220 2.0.0 ready"):
            self.awaits_handshake = True
            self._input.clear()
            self.out += self.peer.inject

    def _auth(self, _line: str) -> None:
        self._do(Step.AUTH, reply="235 2.7.0 authenticated")

    def _mail(self, line: str) -> None:
        path, _, parameters = line[len("MAIL FROM:<") :].partition(">")
        if self._do(Step.MAIL, reply="250 2.1.0 OK"):
            self._sender, self._parameters, self._recipients = path, parameters.strip(), []

    def _rcpt(self, line: str) -> None:
        address = line[len("RCPT TO:<") :].partition(">")[0]
        if self._sender is None:
            self._say("503 5.5.1 MAIL first")
        elif self._act(self.peer.recipients.get(address) or self.peer.action(Step.RCPT), "250 2.1.5 OK"):
            self._recipients.append(address)

    def _data(self, _line: str) -> None:
        if not self._recipients:
            self._say("503 5.5.1 RCPT first")
        elif self._do(Step.DATA, reply="354 go on"):
            self._content = bytearray()
            if (body := self.peer.action(Step.BODY)) is not Fault.PASS:
                self.stalled = body is Fault.SILENCE
                self._act(body, "")

    def _rset(self, _line: str) -> None:
        if self._do(Step.RSET, reply="250 2.0.0 OK"):
            self._sender, self._recipients = None, []

    def _quit(self, _line: str) -> None:
        if self._do(Step.QUIT, reply="221 2.0.0 bye"):
            self.closed = True

    def _take_content(self) -> bool:
        assert self._content is not None
        self._content += self._input
        self._input.clear()
        whole = bytes(self._content)
        end = 0 if whole.startswith(b".\r\n") else whole.find(b"\r\n.\r\n") + 2
        if end == 1:
            return False
        self._input += whole[end + 3 :]
        self._content = None
        self._end_of_content(whole[:end])
        return True

    def _end_of_content(self, content: bytes) -> None:
        action = self.peer.action(Step.CONTENT)
        answered = self._act(action, "250 2.0.0 taken")
        if answered or action is Fault.TAKE_AND_DROP:
            self.peer.accepted.append(
                Accepted(
                    sender=self._sender or "",
                    recipients=tuple(self._recipients),
                    content=content,
                    wire=self.wire.id,
                    handshake=self.wire.handshake,
                    parameters=self._parameters,
                    answered=answered,
                )
            )
        self._sender, self._recipients = None, []

    def _do(self, *steps: Step, reply: str) -> bool:
        return self._act(self.peer.action(*steps), reply)

    def _act(self, action: Action, reply: str) -> bool:
        """Answer as scripted, else with `reply`; whether it went as it ought to."""
        match action:
            case Fault.PASS:
                self._say(reply)
                return True
            case Fault.SILENCE:
                self.silent = True
            case Fault():
                self.closed = True
            case bytes():
                self.out += action
            case str():
                self._say(action)
                self.closed = action.startswith("421")
        return isinstance(action, str) and action[:1] in "23"

    def _say(self, reply: str) -> None:
        self.out += reply.encode() + b"\r\n"
