#!/bin/sh
# Set up what is missing: .venv with uv's help, and the locked dependencies. Arguments go to `uv sync`.
# Needs Python >= 3.11; no compiler, no root. Quick when everything is there.
set -eu
cd "$(dirname "$0")/.."

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "Percorso needs Python 3.11 or newer, and found none. Install it, or name one: PYTHON=/path/to/python3 $0" >&2
    return 1
}

# Debian's Python makes no virtual environment without a package more; uv does.
make_venv() {
    python=$(find_python)
    echo "Making .venv with $("$python" --version)" >&2
    "$python" -m venv .venv >&2 && return
    rm -rf .venv
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --python "$(command -v "$python")" .venv && return
    fi
    echo "$python cannot make virtual environments. Either install that part of it (Debian: apt install python3-venv)," \
        "or, without root, install uv (https://docs.astral.sh/uv/) and run this again." >&2
    return 1
}

# uv is taken from .venv, else from the PATH, else installed into .venv.
find_uv() {
    if [ -x .venv/bin/uv ]; then
        echo .venv/bin/uv
    elif command -v uv >/dev/null 2>&1; then
        command -v uv
    else
        .venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8' >&2
        echo .venv/bin/uv
    fi
}

.venv/bin/python -c '' 2>/dev/null || make_venv
uv=$(find_uv)
# Like pip, uv then trusts whom the machine trusts: networks with a proxy of their own depend on it.
if [ -s /etc/ssl/certs/ca-certificates.crt ]; then
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
fi
# --inexact leaves what else is in .venv: `make run` must not take the test tools away.
UV_PROJECT_ENVIRONMENT=.venv exec "$uv" sync --quiet --locked --inexact --python .venv/bin/python "$@"
