"""Where alerts go: addresses, and a webhook that nobody can listen in on."""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from percorso.core.mail.address import BadAddress, parse_address
from percorso.core.settings.problem import Problem
from percorso.core.settings.schema import Document


def check_alerts(document: Document) -> Iterator[Problem]:
    """Addresses and URLs that alerts cannot go to."""
    organization = document.organization
    for place, address in enumerate(organization.alert_recipients):
        try:
            parse_address(address)
        except BadAddress as error:
            path = ("organization", "alert_recipients", place)
            message = f"organization: alert_recipients: {error}"
            yield Problem(path=path, message=message, mend='write addresses, such as "postmaster@corp.test"')
    if organization.alert_webhook and (problem := _wrong_with(organization.alert_webhook)):
        message, mend = problem
        yield Problem(
            path=("organization", "alert_webhook"), message=f"organization: alert_webhook {message}", mend=mend
        )
    if organization.alert_webhook_secret and not organization.alert_webhook:
        yield Problem(
            path=("organization", "alert_webhook_secret"),
            message="organization: alert_webhook_secret is given without alert_webhook",
            mend="give the URL too, or leave it out",
        )


def _wrong_with(url: str) -> tuple[str, str] | None:
    """What is wrong with a webhook's URL, and what to do; None where nothing is."""
    like = 'write it like "https://alerts.corp.test/percorso"'
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no URL", like
    if parts.scheme not in {"https", "http"} or not host or not url.isascii() or not url.isprintable() or " " in url:
        return "is no URL of a web server", like
    if parts.username is not None or parts.password is not None:
        return "holds a user name or password", "leave it out; alert_webhook_secret signs what is posted"
    if parts.scheme == "http" and not is_loopback(host):
        return "is without TLS, off loopback", "begin it with https://"
    return None


def is_loopback(host: str) -> bool:
    """Whether the host of a URL is this machine, by address or as localhost (RFC 6761, 6.3)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
