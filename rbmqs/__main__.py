"""`python -m rbmqs` is the command `rbmqs`."""

import sys

from rbmqs.cli.main import main

if __name__ == "__main__":  # MPI workers run this module under another name
    sys.exit(main())
