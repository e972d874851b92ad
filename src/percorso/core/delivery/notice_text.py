"""The part of a notice for people: in both languages, the organization's first.

Recipients that have the same to read share one explanation. What came from outside (the subject, a server's words,
names) is put on one line, with every sign that does not print replaced.
"""

from datetime import UTC, datetime
from textwrap import fill
from typing import Final

from percorso.core.delivery.report import Kind, Letterhead, Report, Reported
from percorso.core.delivery.wording.english import ENGLISH
from percorso.core.delivery.wording.italian import ITALIAN
from percorso.core.delivery.wording.words import Frame, Words
from percorso.core.mail.headers import decode, find_fields, unfold
from percorso.core.tls.requirement import Requirement, TlsVersion

LANGUAGES: Final = (ENGLISH, ITALIAN)
_WIDTH: Final = 74
_MAX_SUBJECT: Final = 80
_MAX_QUOTE: Final = 500
_RULE: Final = "– – –"


def ordered(language: str) -> tuple[Words, ...]:
    """Every language, this one first."""
    return tuple(sorted(LANGUAGES, key=lambda words: words.code != language))


def subject(kind: Kind, letterhead: Letterhead) -> str:
    """The notice's own subject."""
    return " / ".join(_frame(words, kind).subject for words in ordered(letterhead.language))


def body(report: Report, letterhead: Letterhead) -> str:
    """The text, with line ends of "\\n"."""
    first, *others = ordered(letterhead.language)
    texts = [_in(words, report, letterhead) for words in (first, *others)]
    hints = "\n".join(words.follows for words in others)
    return f"\n\n{_RULE}\n\n".join([f"({hints})\n\n{texts[0]}", *texts[1:]]) + "\n"


def one_line(text: str) -> str:
    """On one line, whatever came from outside."""
    return "".join(sign if sign.isprintable() else "?" for sign in text).strip()


def _in(words: Words, report: Report, letterhead: Letterhead) -> str:
    gateway = words.gateway_of if letterhead.organization else words.gateway
    opening = gateway.format(mta=letterhead.reporting_mta, organization=one_line(letterhead.organization))
    lead = _frame(words, report.kind).lead.format(message=_message(words, report))
    blocks: list[str] = []
    for paragraphs, addresses in _grouped(words, report):
        blocks += ["\n".join(f"    {address}" for address in addresses), *map(_wrapped, paragraphs)]
    return "\n\n".join([_wrapped(opening), _wrapped(lead), *blocks, _wrapped(words.header_attached)])


def _grouped(words: Words, report: Report) -> list[tuple[tuple[str, ...], list[str]]]:
    """Explanations, each with the addresses that it is for."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for one in report.recipients:
        groups.setdefault(_explained(words, report.kind, one), []).append(str(one.recipient.address))
    return list(groups.items())


def _explained(words: Words, kind: Kind, one: Reported) -> tuple[str, ...]:
    """The paragraphs about one recipient."""
    if kind is Kind.RELAYED:
        return (words.relayed_end,)
    names = {"server": one_line(one.server), "domain": one.recipient.address.domain}
    explanation = words.explanations[one.why]
    cause = explanation.cause.format(**names)
    paragraphs = [f"{cause} {words.not_sent}" if one.failure else cause]
    if one.failure and not one.requirement.opportunistic:
        paragraphs.insert(0, _required(words, one.requirement))
    if one.server_replied and not one.failure:
        paragraphs.append(words.quote.format(words=one_line(str(one.reply))[:_MAX_QUOTE]))
    advice = explanation.sender or (words.given_up if kind is Kind.FAILED else words.wait)
    paragraphs.append(words.sender.format(advice=advice.format(**names)))
    paragraphs.append(words.administrator.format(advice=explanation.administrator.format(**names)))
    return (*paragraphs, _end(words, kind, one))


def _end(words: Words, kind: Kind, one: Reported) -> str:
    if kind is Kind.DELAYED:
        return words.still_tried.format(moment=_moment(words, one.retry_until))
    if one.reply.transient and one.last_attempt:
        return words.final_after.format(moment=_moment(words, one.last_attempt))
    return words.final


def _required(words: Words, requirement: Requirement) -> str:
    """The requirement in a sentence."""
    demands, version = words.demands, requirement.min_version
    wanted = [demands.encrypt_version.format(version=TlsVersion(version)) if version else demands.encrypt]
    for clause in requirement.identity:
        if clause.pins or clause.ca_file:
            wanted += [demands.known_key] if clause.pins else []
            wanted += [demands.private_authority] if clause.ca_file else []
            continue
        wanted += [demands.trusted] if clause.ca else []
        if clause.names:
            wanted.append(demands.names.format(names=" / ".join(clause.names)))
        elif clause.host:
            wanted.append(demands.own_name)
    wanted += [demands.published] if requirement.sts or requirement.dane else []
    wanted += [demands.onward] if requirement.requiretls else []
    *most, last = dict.fromkeys(wanted)
    listed = f"{', '.join(most)}{demands.conjunction}{last}" if most else last
    return f"{demands.opening} {listed}."


def _message(words: Words, report: Report) -> str:
    moment = _moment(words, report.accepted_at)
    if title := _title(report.head):
        return words.message.format(subject=title, moment=moment)
    return words.message_without_subject.format(moment=moment)


def _title(head: bytes) -> str:
    """The message's subject, shortened; empty where it has none."""
    fields = find_fields(head, ("subject",))
    if not fields:
        return ""
    text = one_line(decode(fields[0][1]) or unfold(fields[0][1]))
    return text if len(text) <= _MAX_SUBJECT else f"{text[: _MAX_SUBJECT - 1].rstrip()}…"


def _moment(words: Words, at: float) -> str:
    then = datetime.fromtimestamp(at, UTC)
    month = words.months[then.month - 1]
    return words.moment.format(day=then.day, month=month, year=then.year, time=f"{then:%H:%M}")


def _frame(words: Words, kind: Kind) -> Frame:
    return {Kind.FAILED: words.failed, Kind.DELAYED: words.delayed, Kind.RELAYED: words.relayed}[kind]


def _wrapped(paragraph: str) -> str:
    return fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)
