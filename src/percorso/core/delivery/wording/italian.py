"""Italian."""

from typing import Final

from percorso.core.delivery.cause import Cause
from percorso.core.delivery.wording.words import Demands, Explanation, Frame, Words
from percorso.core.tls.result import FailureType

_TELL_THEM: Final = (
    "Avvisi il destinatario per altra via, ad esempio per telefono: solo chi gestisce quel server di posta può "
    "risolvere il problema. Il contenuto di questo messaggio non andrebbe inviato altrimenti senza protezione."
)
_ASK_OURS: Final = "Inoltri questo avviso al Suo amministratore; nel messaggio non c’è nulla da cambiare."
_CHECK_ADDRESS: Final = "Controlli che l’indirizzo sia scritto bene, oppure chieda al destinatario quello giusto."
_NOTHING: Final = "Da parte nostra non c’è nulla da cambiare."

_EXPLANATIONS: Final[dict[FailureType | Cause, Explanation]] = {
    FailureType.STARTTLS_NOT_SUPPORTED: Explanation(
        "Il server di posta {server} non offre una connessione cifrata.",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} di attivare TLS su {server}, oppure configurare un percorso "
        "alternativo sicuro.",
    ),
    FailureType.TLS_HANDSHAKE_FAILURE: Explanation(
        "Non è stato possibile stabilire una connessione cifrata con il server di posta {server}.",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} di verificare certificato, chiave e versioni di TLS di {server}; "
        "anche un firewall lungo il percorso può interrompere la connessione.",
    ),
    FailureType.TLS_VERSION_TOO_LOW: Explanation(
        "Il server di posta {server} usa soltanto una versione superata del protocollo di cifratura TLS.",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} di attivare TLS 1.2 o 1.3 su {server}.",
    ),
    FailureType.CERTIFICATE_NOT_TRUSTED: Explanation(
        "Il server di posta {server} non ha potuto dimostrare la propria identità: il suo certificato non è firmato "
        "da un’autorità attendibile.",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} un certificato di un’autorità pubblica, completo della catena. Se "
        "il certificato è sicuramente quello giusto, indicarne l’autorità o la chiave nelle impostazioni.",
    ),
    FailureType.CERTIFICATE_HOST_MISMATCH: Explanation(
        "Il server di posta {server} non ha potuto dimostrare la propria identità: il suo certificato è intestato a "
        "un altro nome.",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} un certificato intestato a {server}. Se è giusto un altro nome, "
        "indicarlo nelle impostazioni.",
    ),
    FailureType.CERTIFICATE_EXPIRED: Explanation(
        "Il server di posta {server} non ha potuto dimostrare la propria identità: il suo certificato non è in corso "
        "di validità.",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} di rinnovare il certificato di {server}; verificare che il nostro "
        "orologio sia esatto.",
    ),
    FailureType.STS_MX_MISMATCH: Explanation(
        "Il server di posta {server} non è tra quelli indicati dal dominio del destinatario nei propri criteri di "
        "sicurezza (MTA-STS).",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} di far concordare i record MX con i criteri MTA-STS.",
    ),
    FailureType.STS_CERTIFICATE_INVALID: Explanation(
        "Il server di posta {server} non ha un certificato valido, come invece richiede il dominio del destinatario "
        "(MTA-STS).",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} un certificato di un’autorità pubblica intestato a {server}.",
    ),
    FailureType.DANE_REQUIRED: Explanation(
        "Le chiavi del server di posta {server} devono essere pubblicate nel DNS (DANE), ma non se ne è trovata "
        "nessuna utilizzabile.",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} di pubblicare record TLSA validi per {server} in una zona firmata.",
    ),
    FailureType.DANE_MISMATCH: Explanation(
        "Il server di posta {server} presenta una chiave diversa da quella che il dominio del destinatario pubblica "
        "(DANE).",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} di pubblicare il record TLSA della chiave ora in uso su {server}. "
        "Da non sottovalutare: anche un attacco si presenta così.",
    ),
    FailureType.TLSA_INVALID: Explanation(
        "Quanto il dominio del destinatario pubblica sulle chiavi del server di posta {server} non è valido (DANE).",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} di correggere i record TLSA di {server}.",
    ),
    FailureType.DNSSEC_INVALID: Explanation(
        "I record DNS relativi al server di posta {server} hanno firme non valide (DNSSEC).",
        _TELL_THEM,
        "Chiedere agli amministratori di {domain} di sistemare le firme della loro zona.",
    ),
    FailureType.REQUIRETLS_NOT_SUPPORTED: Explanation(
        "Il server di posta {server} non può garantire la cifratura fino a destinazione, come chiesto dal mittente "
        "(REQUIRETLS).",
        "Se possibile, invii di nuovo il messaggio senza questa richiesta; altrimenti concordi un’altra via con il "
        "destinatario.",
        "Chiedere agli amministratori di {domain} di attivare REQUIRETLS su {server}, oppure configurare un percorso "
        "alternativo sicuro.",
    ),
    Cause.UNKNOWN_ADDRESS: Explanation(
        "Il server di posta {server} non conosce questo indirizzo.", _CHECK_ADDRESS, _NOTHING
    ),
    Cause.MAILBOX_FULL: Explanation(
        "La casella di posta del destinatario è piena.",
        "Avvisi il destinatario per altra via e invii di nuovo il messaggio più tardi.",
        _NOTHING,
    ),
    Cause.TOO_LARGE: Explanation(
        "Il messaggio supera la dimensione ammessa dal server di posta {server}.",
        "Lo invii di nuovo senza allegati, oppure suddiviso in più messaggi.",
        _NOTHING,
    ),
    Cause.NOT_PERMITTED: Explanation(
        "Il server di posta {server} non accetta questo messaggio: lo vietano le sue regole o la sua protezione dalla "
        "posta indesiderata.",
        "Chieda al destinatario, per altra via, se i Suoi messaggi possono essere accettati.",
        "Vedere la risposta del server; verificare la nostra reputazione, SPF, DKIM e DMARC.",
    ),
    Cause.REFUSED: Explanation(
        "Il server di posta {server} ha rifiutato il messaggio.",
        "Veda la risposta del server; se non basta, si rivolga al destinatario per altra via.",
        "Vedere la risposta del server; se non riguarda l’indirizzo, rivolgersi agli amministratori di {domain}.",
    ),
    Cause.POSTPONED: Explanation(
        "Per il momento il server di posta {server} non ha accettato il messaggio.",
        "",
        "Vedere la risposta del server; molti server accettano la posta di un nuovo mittente solo dopo "
        "alcuni tentativi.",
    ),
    Cause.EIGHT_BIT: Explanation(
        "Il messaggio contiene caratteri che il server di posta {server} non può ricevere in questa forma (8BITMIME).",
        "Lo invii di nuovo con un altro programma, oppure senza caratteri speciali e allegati.",
        "Fare in modo che il programma mittente codifichi questi contenuti, oppure chiedere agli amministratori di "
        "{domain} di attivare 8BITMIME.",
    ),
    Cause.INTERNATIONAL: Explanation(
        "Un indirizzo del messaggio contiene caratteri non inglesi, e il server di posta {server} non accetta "
        "indirizzi di questo tipo (SMTPUTF8).",
        "Usi un altro indirizzo, Suo o del destinatario, con sole lettere semplici.",
        "Chiedere agli amministratori di {domain} di attivare SMTPUTF8.",
    ),
    Cause.NO_DOMAIN: Explanation("Il dominio {domain} non esiste.", _CHECK_ADDRESS, _NOTHING),
    Cause.NO_MAIL: Explanation("Il dominio {domain} dichiara di non ricevere posta.", _CHECK_ADDRESS, _NOTHING),
    Cause.NO_SERVER: Explanation(
        "Per il dominio {domain} non è pubblicato alcun server di posta utilizzabile.",
        "Controlli che l’indirizzo sia scritto bene; se è giusto, avvisi il destinatario per altra via.",
        "Verificare i record MX di {domain} e gli indirizzi dei server che indicano.",
    ),
    Cause.LOOKUP_FAILED: Explanation(
        "Non è stato possibile sapere dove consegnare la posta per il dominio {domain}, o come proteggerla.",
        "",
        "Verificare il nostro resolver; se funziona, il problema è nei server dei nomi di {domain}.",
    ),
    Cause.UNREACHABLE: Explanation(
        "Il server di posta del dominio {domain} non è raggiungibile.",
        "",
        "Verificare se l’altra posta in uscita parte; in tal caso i server di {domain} sono fermi o ci respingono.",
    ),
    Cause.HOST_UNAVAILABLE: Explanation(
        "L’host attraverso cui passa questa posta non è raggiungibile. Il problema non è nel sistema del destinatario.",
        _ASK_OURS,
        "Verificare i server dell’host e il collegamento con essi; la posta in coda parte da sola appena rispondono.",
    ),
    Cause.UNCERTAIN: Explanation(
        "La connessione con il server di posta {server} è caduta al termine della trasmissione. Il messaggio potrebbe "
        "essere arrivato comunque.",
        "Prima di inviarlo di nuovo, chieda al destinatario per altra via se il messaggio è arrivato.",
        "Se si ripete, cercare un firewall o un limite di tempo che interrompe le connessioni lunghe.",
    ),
    Cause.MAIL_LOOP: Explanation(
        "Il messaggio è passato più volte per gli stessi server di posta, senza mai arrivare.",
        _ASK_OURS,
        "Esaminare i campi Received nell’intestazione allegata e gli inoltri di questo indirizzo.",
    ),
    Cause.INTERNAL: Explanation(
        "Questo gateway di posta non ha potuto elaborare il messaggio per un proprio errore.",
        _ASK_OURS,
        "Il log di questo gateway riporta i dettagli sul messaggio.",
    ),
}

ITALIAN: Final = Words(
    code="it",
    follows="Il testo in italiano segue più sotto.",
    gateway="Questo è il gateway di posta {mta}.",
    gateway_of="Questo è il gateway di posta {mta} di {organization}.",
    message="Il Suo messaggio «{subject}», accettato il {moment},",
    message_without_subject="Il Suo messaggio, accettato il {moment},",
    moment="{day} {month} {year} alle {time} UTC",
    months=(
        "gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
        "novembre", "dicembre",
    ),
    failed=Frame("Il Suo messaggio non è stato consegnato", "{message} non è stato consegnato a:"),
    delayed=Frame("Il Suo messaggio è in ritardo", "{message} non è ancora stato consegnato a:"),
    relayed=Frame(
        "Il Suo messaggio è stato inoltrato", "{message} è stato affidato al server di posta successivo per:"
    ),
    demands=Demands(
        opening="Questo messaggio può viaggiare solo in modo sicuro. Il server di posta che lo riceve deve",
        encrypt="cifrare la connessione",
        encrypt_version="cifrare la connessione con TLS {version} o successivo",
        trusted="dimostrare la propria identità con un certificato di un’autorità attendibile",
        own_name="presentare un certificato intestato al proprio nome",
        names="presentare un certificato intestato a {names}",
        known_key="presentare la chiave concordata",
        private_authority="presentare un certificato dell’autorità concordata",
        onward="garantire la cifratura per il resto del percorso",
        published="rispettare i criteri di sicurezza pubblicati dal proprio dominio",
        conjunction=" e ",
    ),
    not_sent="Per questo motivo il messaggio non gli è stato inviato.",
    quote="Risposta del server: «{words}»",
    sender="Che cosa può fare Lei: {advice}",
    administrator="Che cosa può fare il Suo amministratore: {advice}",
    wait="Per il momento non occorre fare nulla.",
    given_up="Invii di nuovo il messaggio più tardi, oppure avvisi il destinatario per altra via.",
    final="La consegna non sarà più tentata.",
    final_after="La consegna è stata tentata più volte fino al {moment} e non sarà più tentata.",
    still_tried=(
        "La consegna viene ancora tentata, al più tardi fino al {moment}. Non occorre inviare di nuovo il messaggio."
    ),
    relayed_end="Quel server non conferma le consegne: non seguiranno altre conferme. Non occorre fare nulla.",
    header_attached="In allegato si trova l’intestazione del messaggio.",
    explanations=_EXPLANATIONS,
)  # fmt: skip
