"""`percorso explain`."""

import re
import time
from typing import Annotated, Final

import typer

from percorso.cli.node import ConfigOption, JsonOption, stores
from percorso.cli.output import complain, say, show_facts, write_json
from percorso.cli.starters import Starters
from percorso.core.mail.address import Address, BadAddress, parse_path
from percorso.operations.explain import Answer, NoSuchAccount, Question, explain_message
from percorso.ports.settings import SettingsSource

_HEADER: Final = re.compile(r"([!-9;-~]+):[ \t]*([^\r\n\x00]*)")  # RFC 5322, 2.2


def add(app: typer.Typer, starters: Starters) -> None:
    """Add the verb."""

    @app.command()
    def explain(  # noqa: PLR0913 (the options of one verb)
        *,
        sender: Annotated[
            str, typer.Option("--from", metavar="ADDRESS", help="The envelope sender; <> is the null sender.")
        ],
        to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="The recipient.")],
        header: Annotated[
            list[str] | None, typer.Option(metavar="'NAME: VALUE'", help="A header field; may be given again.")
        ] = None,
        size: Annotated[int, typer.Option(min=0, metavar="BYTES", help="The message's size.")] = 0,
        requiretls: Annotated[bool, typer.Option("--requiretls", help="The sender asks for REQUIRETLS.")] = False,
        user: Annotated[str, typer.Option(metavar="ACCOUNT", help="The account that submits it.")] = "",
        at: Annotated[
            int | None, typer.Option(min=0, metavar="VERSION", show_default=False, help="Under older settings.")
        ] = None,
        config: ConfigOption = None,
        json: JsonOption = False,
    ) -> None:
        """Tell what would happen to a message, and why: every rule that is looked at, and the decision.

        Example: percorso explain --from anna@corp.test --to bob@bank.test --header 'Subject: \\[secure] offer'
        """
        question = Question(
            sender=_address("--from", "" if sender == "<>" else sender),
            recipient=_recipient(to),
            headers=tuple(_header(text) for text in header or []),
            size=size,
            requiretls=requiretls,
            account=user,
        )
        try:
            source = stores(starters, config).settings_at(at)
        except LookupError:
            complain(f"percorso: there is no version {at} of the settings; see `percorso settings history`")
            raise typer.Exit(1) from None
        answer = _answer(source, question)
        if json:
            write_json(answer)
        else:
            _show(question, answer)


def _answer(source: SettingsSource, question: Question) -> Answer:
    try:
        return explain_message(source, question, now=time.time())
    except NoSuchAccount as error:
        complain(f"percorso: {error}; see `percorso account list`")
        raise typer.Exit(1) from None


def _address(option: str, text: str) -> Address | None:
    try:
        return parse_path(text)
    except BadAddress as error:
        raise typer.BadParameter(f"{option}: {error}") from None


def _recipient(text: str) -> Address:
    address = _address("--to", text)
    if address is None:
        raise typer.BadParameter("--to: give the recipient's address")
    return address


def _header(text: str) -> tuple[str, str]:
    found = _HEADER.fullmatch(text)
    if not found:
        raise typer.BadParameter(f"--header: {text!r} is no header field; write it like 'Subject: offer'")
    return found[1], found[2]


def _show(question: Question, answer: Answer) -> None:
    decision = answer.trace.decision
    say(f"{question.sender or '<>'} → {question.recipient}, settings version {answer.version}", "bold")
    show_facts([(f"{'✓' if step.matched else '·'} {step.subject}", step.why) for step in answer.trace.steps], indent=2)
    say("decision", "bold")
    facts = [
        ("requirement", str(decision.requirement)),
        ("goes", ", else ".join(str(hop) for hop in decision.hops)),
        ("refused", str(decision.refusal or "")),
        ("reason", decision.reason),
        ("by", ", ".join(decision.rules)),
        ("unit", decision.unit),
    ]
    show_facts(facts, indent=2)
