#!/bin/sh
# Set up what is missing and run every static check; all of them run, and any that fails is the outcome.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh
outcome=0
for check in "ruff check" "ruff format --check" "mypy" "lint-imports"; do
    echo "== $check"
    # The words of a check are its command and arguments.
    # shellcheck disable=SC2086
    .venv/bin/$check || outcome=1
done
exit $outcome
