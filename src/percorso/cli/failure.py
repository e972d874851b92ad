"""What went wrong, in a sentence on standard error, and its exit code. Anything else is a defect, shown whole."""

from percorso.cli.output import complain
from percorso.config.read import BadConfiguration
from percorso.core.access.password import BadPassword
from percorso.core.mail.address import BadAddress
from percorso.operations.account import CannotChange
from percorso.operations.actor import NotAllowed
from percorso.operations.secret import EmptySecret, NoSuchSecret
from percorso.operations.send import SendFailed
from percorso.operations.settings import NoLongerValid, UnknownVersion
from percorso.operations.settings_file import BadSettings
from percorso.ports.backup import BadBackup
from percorso.ports.evidence import ChainBroken
from percorso.ports.queue import StoreError
from percorso.ports.secrets import BadSecretName
from percorso.ports.settings import SettingsConflict
from percorso.processes.instance import AlreadyRunning

_NO = (
    SettingsConflict,
    UnknownVersion,
    NoLongerValid,
    ChainBroken,
    SendFailed,
    StoreError,
    CannotChange,
    NoSuchSecret,
    AlreadyRunning,
    BadBackup,
)
_WRONG = (BadConfiguration, BadSettings, BadAddress, NotAllowed, BadPassword, BadSecretName, EmptySecret)


def told(error: Exception) -> int | None:
    """Tell what is known to go wrong and return its exit code; None for what is not known."""
    if isinstance(error, BadConfiguration | BadSettings):
        complain(str(error))
    elif isinstance(error, (*_NO, *_WRONG)):
        complain(f"percorso: {error}")
    else:
        return None
    return 2 if isinstance(error, _WRONG) else 1
