#!/bin/sh
# Set up what is missing and serve; data goes to ./var unless the configuration says otherwise.
# Arguments go to `percorso serve`.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --no-dev
exec .venv/bin/percorso serve "$@"
