#!/bin/sh
# Set up what is missing and measure. Arguments go to `percorso bench`.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --group bench
exec .venv/bin/percorso bench "$@"
