#!/usr/bin/env python
"""Check a copy of a data set before it is trusted."""

from dacl_mm.cli.run import run
from dacl_mm.cli.verify_dataset import main

if __name__ == '__main__':
    run(main)
