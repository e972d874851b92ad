#!/bin/sh
# Set up what is missing, install the real peers where that is possible, and run the tests.
# Arguments go to pytest; without any, all tests run, on every core.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/peers.sh
if [ $# -eq 0 ]; then
    set -- -n auto
fi
exec .venv/bin/python -m pytest "$@"
