#!/usr/bin/env python
"""Score predictions of any program: python tools/score.py LABELS.csv PREDICTIONS.csv ..."""

from dacl_mm.cli.run import run
from dacl_mm.cli.score import main

if __name__ == '__main__':
    run(main)
