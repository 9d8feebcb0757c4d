"""`python -m leakreport`."""

import sys

from leakreport.cli import main

sys.exit(main())
