#!/usr/bin/env python
"""Write a trained network for ONNX Runtime: python tools/export.py CONFIG CHECKPOINT --out DIR"""

from dacl_mm.cli.export import main
from dacl_mm.cli.run import run

if __name__ == '__main__':
    run(main)
