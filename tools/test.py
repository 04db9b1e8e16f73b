#!/usr/bin/env python
"""Evaluate a checkpoint: python tools/test.py CONFIG CHECKPOINT"""

from dacl_mm.cli.run import run
from dacl_mm.cli.test import main

if __name__ == '__main__':
    run(main)
