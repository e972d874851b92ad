"""`python -m percorso` and the `percorso` command."""

import sys

from percorso.app import main

if __name__ == "__main__":
    sys.exit(main())
