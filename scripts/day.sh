#!/bin/sh
# Set up what is missing and live through a day of mail in fast motion; the argument is how many messages (100000).
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh
exec .venv/bin/python -m tests.simulation.day "${1:-100000}"
