#!/usr/bin/env python
"""Compare methods over seeds: python tools/compare.py configs/compare/synthetic.py --work-dir DIR"""

from dacl_mm.cli.compare import main
from dacl_mm.cli.run import run

if __name__ == '__main__':
    run(main)
