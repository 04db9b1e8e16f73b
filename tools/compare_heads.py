#!/usr/bin/env python
"""Heads on frozen features: python tools/compare_heads.py SET --checkpoints FILE ... --work-dir DIR"""

from dacl_mm.cli.compare_heads import main
from dacl_mm.cli.run import run

if __name__ == '__main__':
    run(main)
