#!/usr/bin/env python
"""AffectNet at its real size: the index against a plain loop, and the workers' memory."""

from dacl_mm.cli.benchmark_index import main
from dacl_mm.cli.run import run

if __name__ == '__main__':
    run(main)
