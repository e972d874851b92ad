"""`python -m percorso` and the `percorso` command."""

import sys


def main() -> int:
    """Run the command line; return its exit code."""
    raise NotImplementedError


if __name__ == "__main__":
    sys.exit(main())
