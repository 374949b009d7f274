"""How is the command started without its script? ``python -m qsubmit``."""

import sys

from qsubmit.cli.main import main

sys.exit(main())
