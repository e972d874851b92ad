#!/bin/sh
# Set up what is missing and measure Percorso beside Postfix. Arguments go to `python -m bench`.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh --group bench
scripts/peers.sh
exec .venv/bin/python -m bench "$@"
