#!/bin/sh
# Set up what is missing and run the trial on loopback. Arguments go to `percorso lab`.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --no-dev
exec .venv/bin/percorso lab "$@"
