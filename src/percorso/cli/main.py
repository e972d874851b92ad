"""The command line: finds the verb, imports its file alone, and turns what goes wrong into a message and an exit code.

Exit codes: 0 done, 1 the answer is no, 2 used wrongly. Nothing heavy is imported here: `percorso --version` and the
start of `percorso serve` are quick.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final

from percorso.cli.starters import Starters

if TYPE_CHECKING:
    import typer

VERBS: Final = (
    *("serve", "lab", "doctor", "settings", "explain", "test-tls", "queue", "log", "audit", "account", "secret"),
    *("store", "send", "bench"),
)
"""Each is a file beside this one with `add(app, starters)`; "-" in a verb is "_" in its file's name."""

_ABOUT: Final = "A secure mail gateway: mail that must travel over TLS never leaves in plaintext."
_EPILOG: Final = (
    "Each verb has --help with an example, and --json. Exit codes: 0 done, 1 the answer is no, 2 used wrongly."
)


def run(starters: Starters, arguments: Sequence[str]) -> int:
    """Run one verb; returns the exit code."""
    if list(arguments) in (["--version"], ["-V"]):
        return _version()
    try:
        build(starters, arguments[0] if arguments else "")(args=list(arguments), prog_name="percorso")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:
        from percorso.cli.failure import told

        code = told(error)
        if code is None:
            raise
        return code
    return 0


def build(starters: Starters, verb: str) -> "typer.Typer":
    """The application with this verb alone, or with all where it is none."""
    import typer

    app = typer.Typer(
        help=_ABOUT, epilog=_EPILOG, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )

    @app.callback()
    def root(
        version: bool = typer.Option(False, "--version", "-V", help="Print the version and exit."),
    ) -> None:
        if version:
            raise typer.Exit(_version())

    for name in [verb] if verb in VERBS else VERBS:
        import_module(f"percorso.cli.{name.replace('-', '_')}").add(app, starters)
    return app


def _version() -> int:
    from importlib.metadata import version

    sys.stdout.write(f"percorso {version('percorso')}\n")
    return 0
