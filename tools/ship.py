#!/usr/bin/env python
"""Write a trained model as the file that ships."""

from dacl_mm.cli.run import run
from dacl_mm.cli.ship import main

if __name__ == '__main__':
    run(main)
