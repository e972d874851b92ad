"""Alerts in words, in the organization's language: what is wrong, and what to do."""

from typing import Final

import msgspec

from percorso.core.alerts.condition import Kind
from percorso.core.alerts.course import Alert, Change


class Explanation(msgspec.Struct, frozen=True):
    """One kind of condition. `{subject}` and `{figure}` are the condition's."""

    title: str
    meaning: str
    mend: str


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """What a language must have."""

    changes: dict[Change, str]
    since: str  # {moment}
    more: str  # {count}
    signature: str  # {node}
    explanations: dict[Kind, Explanation]


ENGLISH: Final = Language(
    changes={Change.RAISED: "Alert", Change.REMINDER: "Still so", Change.RECOVERED: "Over"},
    since="Since {moment} UTC.",
    more="and {count} more",
    signature="This is the mail gateway {node}. One message tells what is new, one a day what lasts.",
    explanations={
        Kind.MAIL_PARKED: Explanation(
            "Mail to {subject} is parked",
            "Notices to senders at {subject} could not be delivered under the requirement that applies to them, and "
            "are held in the queue ({figure}). Those senders do not know what became of their messages.",
            "Look at them with “percorso queue list --state held”, mend the way to {subject}, and release them.",
        ),
        Kind.HOST_DOWN: Explanation(
            "The host {subject} does not answer",
            "None of the servers of the host {subject} took mail at the last attempt. {figure} recipients wait for it.",
            "Check the servers of the host and the way to them; the mail goes out by itself once they answer.",
        ),
        Kind.SECURE_TRANSPORT_FAILING: Explanation(
            "No secure transport to {subject}",
            "Mail to {subject} must travel securely, and its servers do not meet the requirement ({figure}). It waits "
            "in the queue, and goes back to its senders when its time is up.",
            "See the cause with “percorso test-tls {subject}”; tell the administrators of {subject}, or set up an "
            "alternate secure route.",
        ),
        Kind.QUEUE_GROWTH: Explanation(
            "The queue grows",
            "{figure} recipients wait in the queue of {subject}.",
            "See whom they wait for with “percorso queue list”.",
        ),
        Kind.OLDEST_MESSAGE: Explanation(
            "A message has waited for long",
            "The oldest message in the queue of {subject} has waited for {figure}.",
            "See what it waits for with “percorso queue list”.",
        ),
        Kind.DISK_LOW: Explanation(
            "Disk space runs low",
            "Only {figure} of the disk that holds the queue of {subject} is free. Without space no mail is accepted.",
            "Make room, or move the data directory to a larger disk.",
        ),
        Kind.CERTIFICATE_ENDING: Explanation(
            "Our certificate ends soon",
            "The certificate that {subject} shows to those who send mail to it is valid for {figure} more.",
            "Renew it, and reload with SIGHUP or “systemctl reload percorso”.",
        ),
        Kind.STORE_TROUBLE: Explanation(
            "The store has trouble",
            "The data of {subject} could not be read or written.",
            "See the log of {subject} for the reason; check the disk and the permissions of the data directory.",
        ),
    },
)

ITALIAN: Final = Language(
    changes={Change.RAISED: "Avviso", Change.REMINDER: "Persiste", Change.RECOVERED: "Risolto"},
    since="Dal {moment} UTC.",
    more="e altri {count}",
    signature=("Questo è il gateway di posta {node}. Un messaggio segnala le novità, uno al giorno ciò che persiste."),
    explanations={
        Kind.MAIL_PARKED: Explanation(
            "La posta per {subject} è trattenuta",
            "Alcuni avvisi per mittenti di {subject} non hanno potuto essere consegnati secondo il requisito previsto "
            "e sono trattenuti in coda ({figure}). Quei mittenti non sanno che fine hanno fatto i loro messaggi.",
            "Esaminarli con «percorso queue list --state held», ripristinare la consegna verso {subject} e "
            "rilasciarli.",
        ),
        Kind.HOST_DOWN: Explanation(
            "L’host {subject} non risponde",
            "All’ultimo tentativo nessun server dell’host {subject} ha accettato posta. Destinatari in attesa: "
            "{figure}.",
            "Verificare i server dell’host e il collegamento con essi; la posta parte da sola appena rispondono.",
        ),
        Kind.SECURE_TRANSPORT_FAILING: Explanation(
            "Nessun trasporto sicuro verso {subject}",
            "La posta per {subject} deve viaggiare in modo sicuro, ma i suoi server non soddisfano il requisito "
            "({figure}). Resta in coda e, allo scadere del tempo previsto, torna ai mittenti.",
            "Cercare la causa con «percorso test-tls {subject}»; avvisare gli amministratori di {subject} oppure "
            "configurare un percorso alternativo sicuro.",
        ),
        Kind.QUEUE_GROWTH: Explanation(
            "La coda cresce",
            "Nella coda di {subject} ci sono {figure} destinatari in attesa.",
            "Vedere che cosa attendono con «percorso queue list».",
        ),
        Kind.OLDEST_MESSAGE: Explanation(
            "Un messaggio attende da molto",
            "Il messaggio più vecchio nella coda di {subject} attende da {figure}.",
            "Vedere che cosa attende con «percorso queue list».",
        ),
        Kind.DISK_LOW: Explanation(
            "Lo spazio su disco sta per finire",
            "Sul disco che contiene la coda di {subject} è libero solo il {figure}. Senza spazio non si accetta posta.",
            "Liberare spazio, oppure spostare la cartella dei dati su un disco più grande.",
        ),
        Kind.CERTIFICATE_ENDING: Explanation(
            "Il nostro certificato sta per scadere",
            "Il certificato che {subject} presenta a chi gli invia posta è valido ancora per {figure}.",
            "Rinnovarlo e ricaricarlo con SIGHUP o «systemctl reload percorso».",
        ),
        Kind.STORE_TROUBLE: Explanation(
            "L’archivio ha problemi",
            "Non è stato possibile leggere o scrivere i dati di {subject}.",
            "La causa è nel log di {subject}; verificare il disco e i permessi della cartella dei dati.",
        ),
    },
)

LANGUAGES: Final = {"en": ENGLISH, "it": ITALIAN}


def title(alert: Alert, language: str) -> str:
    """One alert in a line."""
    words, condition = LANGUAGES[language], alert.condition
    line = words.explanations[condition.kind].title.format(subject=condition.subject)
    return f"{words.changes[alert.change]}: {line}"


def explained(alert: Alert, language: str) -> tuple[str, ...]:
    """What it means and what to do, in sentences; nothing more where it is over."""
    if alert.change is Change.RECOVERED:
        return ()
    condition, explanation = alert.condition, LANGUAGES[language].explanations[alert.condition.kind]
    names = {"subject": condition.subject, "figure": condition.figure}
    return explanation.meaning.format(**names), explanation.mend.format(**names)
