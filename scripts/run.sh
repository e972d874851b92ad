#!/bin/sh
# Set up what is missing and serve. Arguments go to `percorso serve`; without any, all data goes to ./var.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --no-dev
if [ $# -eq 0 ]; then
    export PERCORSO_NODE__DATA_DIR="${PERCORSO_NODE__DATA_DIR:-$PWD/var}"
fi
exec .venv/bin/percorso serve "$@"
