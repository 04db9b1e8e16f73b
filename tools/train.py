#!/usr/bin/env python
"""Train a model: python tools/train.py configs/dacl_r18_rafdb.py"""

from dacl_mm.cli.run import run
from dacl_mm.cli.train import main

if __name__ == '__main__':
    run(main)
