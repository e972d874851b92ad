"""What the server says of itself, word for word: the replies that depend on nothing."""

from typing import Final

from percorso.core.mail.reply import Reply
from percorso.core.smtp.data import Offence
from percorso.core.smtp.extensions import TOO_LARGE


def reply(code: int, enhanced: str, text: str) -> Reply:
    """One reply."""
    return Reply(code=code, enhanced=enhanced, text=text)


OK: Final = reply(250, "2.0.0", "OK")
SENDER_OK: Final = reply(250, "2.1.0", "sender OK")
RECIPIENT_OK: Final = reply(250, "2.1.5", "recipient OK")
SEND_CONTENT: Final = reply(354, "", "send the message, end with <CRLF>.<CRLF>")
READY_FOR_TLS: Final = reply(220, "2.0.0", "ready to start TLS")
BYE: Final = reply(221, "2.0.0", "bye")
CANNOT_VERIFY: Final = reply(252, "2.5.0", "not verified; send a message to find out")  # RFC 5321, 3.5.3
HELP: Final = reply(214, "2.0.0", "RFC 5321 tells all that is spoken here")
UNKNOWN: Final = reply(500, "5.5.2", "no such command")
LINE_TOO_LONG: Final = reply(500, "5.5.2", "the command line is too long")
NO_ARGUMENT: Final = reply(501, "5.5.4", "this command takes no argument")
NO_NAME: Final = reply(501, "5.5.4", "say your domain name or address literal")
UNKNOWN_PARAMETER: Final = reply(555, "5.5.4", "a parameter is not known here")
NEEDS_SMTPUTF8: Final = reply(553, "5.6.7", "an internationalized address needs SMTPUTF8 with MAIL")
NULL_RECIPIENT: Final = reply(501, "5.1.3", "a recipient must not be empty")
NO_POSTMASTER: Final = reply(550, "5.1.1", "there is no postmaster here: no domain is this organization's; name yours")
TOO_MANY_RECIPIENTS: Final = reply(452, "4.5.3", "too many recipients; send the message to the rest separately")
TOO_MANY_ERRORS: Final = reply(421, "4.7.0", "too many refused commands; closing the connection")
NO_TLS: Final = reply(502, "5.5.1", "TLS is not available, or already active")
NO_AUTH: Final = reply(502, "5.5.1", "clients do not authenticate here")
AUTH_NEEDS_TLS: Final = reply(538, "5.7.11", "authenticate over TLS: say STARTTLS first")  # RFC 4954, 4
NEEDS_TLS: Final = reply(530, "5.7.0", "say STARTTLS first, then authenticate")  # RFC 3207, 4
NEEDS_AUTH: Final = reply(530, "5.7.0", "authenticate first")  # RFC 4954, 6
AUTHENTICATED_ALREADY: Final = reply(503, "5.5.1", "you are authenticated already")  # RFC 4954, 4
INJECTION: Final = reply(554, "5.5.1", "input behind STARTTLS in plaintext; closing the connection")
OFFENCES: Final = {
    Offence.LINE_TOO_LONG: reply(554, "5.6.0", "a line of the message is longer than this server takes"),
    Offence.BARE_CR_OR_LF: reply(554, "5.6.0", "the message holds a bare CR or LF; lines must end in CRLF"),
    Offence.TOO_LARGE: TOO_LARGE,
}
