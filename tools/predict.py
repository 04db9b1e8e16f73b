#!/usr/bin/env python
"""Name the expressions in photographs, folders, videos and what a camera sees."""

from dacl_mm.cli.predict import main
from dacl_mm.cli.run import run

if __name__ == '__main__':
    run(main)
