"""Print the table of outcomes: `python -m tests.faults > docs/faults.md`."""

import sys

from .table import markdown

sys.stdout.write(markdown())
