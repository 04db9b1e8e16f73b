#!/usr/bin/env python
"""Write a trained model as a plain MMPretrain checkpoint, for prediction without this package."""

from dacl_mm.cli.run import run
from dacl_mm.cli.strip_checkpoint import main

if __name__ == '__main__':
    run(main)
