#!/usr/bin/env python
"""Measure how faces are framed: python tools/measure_framing.py CONFIG --checkpoint FILE"""

from dacl_mm.cli.measure_framing import main
from dacl_mm.cli.run import run

if __name__ == '__main__':
    run(main)
