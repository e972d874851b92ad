"""English."""

from typing import Final

from percorso.core.delivery.cause import Cause
from percorso.core.delivery.wording.words import Demands, Explanation, Frame, Words
from percorso.core.tls.result import FailureType

_TELL_THEM: Final = (
    "Let the recipient know by other means, for example by telephone: only those who run that mail server can mend "
    "this. The content of this message should not be sent unprotected in another way."
)
_ASK_OURS: Final = "Please hand this notice to your administrator; there is nothing for you to change in the message."
_CHECK_ADDRESS: Final = "Check the address for typing errors, or ask the recipient for the right one."
_NOTHING: Final = "There is nothing to change on our side."

_EXPLANATIONS: Final[dict[FailureType | Cause, Explanation]] = {
    FailureType.STARTTLS_NOT_SUPPORTED: Explanation(
        "The mail server {server} does not offer an encrypted connection.",
        _TELL_THEM,
        "Ask the administrators of {domain} to enable TLS on {server}, or set up an alternate secure route.",
    ),
    FailureType.TLS_HANDSHAKE_FAILURE: Explanation(
        "No encrypted connection to the mail server {server} could be set up.",
        _TELL_THEM,
        "Ask the administrators of {domain} to check certificate, key and TLS versions of {server}; a firewall on "
        "the way may also break the connection.",
    ),
    FailureType.TLS_VERSION_TOO_LOW: Explanation(
        "The mail server {server} speaks only an outdated version of the encryption protocol TLS.",
        _TELL_THEM,
        "Ask the administrators of {domain} to enable TLS 1.2 or 1.3 on {server}.",
    ),
    FailureType.CERTIFICATE_NOT_TRUSTED: Explanation(
        "The mail server {server} could not prove its identity: no trusted authority signed its certificate.",
        _TELL_THEM,
        "Ask the administrators of {domain} for a certificate from a public authority, with its whole chain. If the "
        "certificate is known to be right, name its authority or its key in the settings.",
    ),
    FailureType.CERTIFICATE_HOST_MISMATCH: Explanation(
        "The mail server {server} could not prove its identity: its certificate belongs to another name.",
        _TELL_THEM,
        "Ask the administrators of {domain} for a certificate in the name {server}. If another name is known to be "
        "right, name it in the settings.",
    ),
    FailureType.CERTIFICATE_EXPIRED: Explanation(
        "The mail server {server} could not prove its identity: its certificate is out of date.",
        _TELL_THEM,
        "Ask the administrators of {domain} to renew the certificate of {server}; check that our own clock is right.",
    ),
    FailureType.STS_MX_MISMATCH: Explanation(
        "The mail server {server} is not one that the recipient’s domain names in its security policy (MTA-STS).",
        _TELL_THEM,
        "Ask the administrators of {domain} to bring their MX records and their MTA-STS policy into agreement.",
    ),
    FailureType.STS_CERTIFICATE_INVALID: Explanation(
        "The mail server {server} has no valid certificate, which the recipient’s domain requires (MTA-STS).",
        _TELL_THEM,
        "Ask the administrators of {domain} for a certificate from a public authority in the name {server}.",
    ),
    FailureType.DANE_REQUIRED: Explanation(
        "The keys of the mail server {server} are required to be published in DNS (DANE), and none could be used.",
        _TELL_THEM,
        "Ask the administrators of {domain} to publish valid TLSA records for {server} in a signed zone.",
    ),
    FailureType.DANE_MISMATCH: Explanation(
        "The mail server {server} shows another key than the recipient’s domain publishes for it (DANE).",
        _TELL_THEM,
        "Ask the administrators of {domain} to publish the TLSA record of the key that {server} now uses. Take it "
        "seriously: this is also what an attack looks like.",
    ),
    FailureType.TLSA_INVALID: Explanation(
        "What the recipient’s domain publishes about the keys of the mail server {server} is not valid (DANE).",
        _TELL_THEM,
        "Ask the administrators of {domain} to correct the TLSA records of {server}.",
    ),
    FailureType.DNSSEC_INVALID: Explanation(
        "The DNS records about the mail server {server} carry invalid signatures (DNSSEC).",
        _TELL_THEM,
        "Ask the administrators of {domain} to mend the signatures of their zone.",
    ),
    FailureType.REQUIRETLS_NOT_SUPPORTED: Explanation(
        "The mail server {server} cannot promise encryption all the way, which the sender asked for (REQUIRETLS).",
        "Send the message again without that wish, if it may be; otherwise ask the recipient for another way.",
        "Ask the administrators of {domain} to offer REQUIRETLS on {server}, or set up an alternate secure route.",
    ),
    Cause.UNKNOWN_ADDRESS: Explanation(
        "The mail server {server} does not know this address.", _CHECK_ADDRESS, _NOTHING
    ),
    Cause.MAILBOX_FULL: Explanation(
        "The recipient’s mailbox is full.", "Let the recipient know by other means, and send it again later.", _NOTHING
    ),
    Cause.TOO_LARGE: Explanation(
        "The message is larger than the mail server {server} accepts.",
        "Send it again without its attachments, or in parts.",
        _NOTHING,
    ),
    Cause.NOT_PERMITTED: Explanation(
        "The mail server {server} does not accept this message: its rules or its protection against unwanted mail "
        "forbid it.",
        "Ask the recipient by other means whether messages from you are to be accepted.",
        "See the server’s words; check our reputation, SPF, DKIM and DMARC.",
    ),
    Cause.REFUSED: Explanation(
        "The mail server {server} refused the message.",
        "See the server’s words; ask the recipient by other means if they do not help.",
        "See the server’s words; if they are not about the address, ask the administrators of {domain}.",
    ),
    Cause.POSTPONED: Explanation(
        "The mail server {server} did not accept the message for the time being.",
        "",
        "See the server’s words; many servers accept mail from a new sender only after some tries.",
    ),
    Cause.EIGHT_BIT: Explanation(
        "The message holds characters that the mail server {server} cannot take in this form (8BITMIME).",
        "Send it again with another program, or without special characters and attachments.",
        "Have the sending program encode such content, or ask the administrators of {domain} to enable 8BITMIME.",
    ),
    Cause.INTERNATIONAL: Explanation(
        "An address in the message holds characters outside English, and the mail server {server} does not take such "
        "addresses (SMTPUTF8).",
        "Use another address for the recipient or for yourself, with plain letters only.",
        "Ask the administrators of {domain} to enable SMTPUTF8.",
    ),
    Cause.NO_DOMAIN: Explanation("The domain {domain} does not exist.", _CHECK_ADDRESS, _NOTHING),
    Cause.NO_MAIL: Explanation("The domain {domain} states that it receives no mail.", _CHECK_ADDRESS, _NOTHING),
    Cause.NO_SERVER: Explanation(
        "No usable mail server is published for the domain {domain}.",
        "Check the address for typing errors; if it is right, let the recipient know by other means.",
        "Look up the MX records of {domain} and the addresses of the servers that they name.",
    ),
    Cause.LOOKUP_FAILED: Explanation(
        "It could not be found out where mail for the domain {domain} must go, or how it must be protected.",
        "",
        "Check our resolver; if it works, the name servers of {domain} are at fault.",
    ),
    Cause.UNREACHABLE: Explanation(
        "The mail server of the domain {domain} could not be reached.",
        "",
        "Check whether other mail leaves us; if so, the mail servers of {domain} are down or do not let us in.",
    ),
    Cause.HOST_UNAVAILABLE: Explanation(
        "The host that such mail goes through could not be reached. The recipient’s mail system is not the reason.",
        _ASK_OURS,
        "Check the servers of the host and the way to them; queued mail goes out by itself once they answer.",
    ),
    Cause.UNCERTAIN: Explanation(
        "The connection to the mail server {server} was lost at the end of the transmission. The message may have "
        "arrived all the same.",
        "Ask the recipient by other means whether the message has arrived before you send it again.",
        "If this happens again, look for a firewall or a time limit that cuts long connections.",
    ),
    Cause.MAIL_LOOP: Explanation(
        "The message went round in circles between mail servers.",
        _ASK_OURS,
        "Look at the Received fields in the attached header, and at the forwarding of this address.",
    ),
    Cause.INTERNAL: Explanation(
        "This mail gateway could not process the message because of a fault of its own.",
        _ASK_OURS,
        "The log of this gateway tells more about the message.",
    ),
}

ENGLISH: Final = Words(
    code="en",
    follows="The English text follows below.",
    gateway="This is the mail gateway {mta}.",
    gateway_of="This is the mail gateway {mta} of {organization}.",
    message="Your message “{subject}”, accepted on {moment},",
    message_without_subject="Your message, accepted on {moment},",
    moment="{day} {month} {year} at {time} UTC",
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ),
    failed=Frame("Your message could not be delivered", "{message} could not be delivered to:"),
    delayed=Frame("Your message is delayed", "{message} has not been delivered yet to:"),
    relayed=Frame("Your message was passed on", "{message} was passed on to the next mail server for:"),
    demands=Demands(
        opening="This message may only travel securely. The receiving mail server must",
        encrypt="encrypt the connection",
        encrypt_version="encrypt the connection with TLS {version} or later",
        trusted="prove its identity with a certificate from a trusted authority",
        own_name="show a certificate in its own name",
        names="show a certificate in the name {names}",
        known_key="show the key that was agreed on",
        private_authority="show a certificate from the authority that was agreed on",
        onward="promise encryption for the rest of the way",
        published="meet the security policy that its domain publishes",
        conjunction=" and ",
    ),
    not_sent="The message was therefore not sent to it.",
    quote="The server’s own words: “{words}”",
    sender="What you can do: {advice}",
    administrator="What your administrator can do: {advice}",
    wait="You need not do anything for the moment.",
    given_up="Send the message again later, or let the recipient know by other means.",
    final="Delivery will not be tried again.",
    final_after="Delivery was tried several times until {moment}, and will not be tried again.",
    still_tried="Delivery is still being tried, until {moment} at the latest. You need not send the message again.",
    relayed_end=(
        "That server does not confirm deliveries, so no further confirmation will follow. You need not do anything."
    ),
    header_attached="The header of your message is attached.",
    explanations=_EXPLANATIONS,
)  # fmt: skip
