#!/usr/bin/env python
"""Convert checkpoints of the DACL authors' code to ours, and back."""

from dacl_mm.cli.convert_checkpoint import main
from dacl_mm.cli.run import run

if __name__ == '__main__':
    run(main)
