#!/bin/sh
# Set up what is missing and make the reference pages of docs/ from the code. `--check` only tells what is out of date.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh
exec .venv/bin/python -m scripts.reference "$@"
