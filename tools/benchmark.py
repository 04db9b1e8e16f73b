#!/usr/bin/env python
"""Speed as ratios of interleaved runs in one process."""

from dacl_mm.cli.benchmark import main
from dacl_mm.cli.run import run

if __name__ == '__main__':
    run(main)
