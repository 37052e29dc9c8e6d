"""`python -m rbmqs` is the command `rbmqs`."""

import sys

from rbmqs.cli import main

sys.exit(main())
