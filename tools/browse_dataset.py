#!/usr/bin/env python
"""Show what the network sees: images after the pipeline."""

from dacl_mm.cli.browse_dataset import main
from dacl_mm.cli.run import run

if __name__ == '__main__':
    run(main)
