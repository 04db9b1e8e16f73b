#!/usr/bin/env python
"""Answer photographs and webcams by a page and an API."""

from dacl_mm.cli.run import run
from dacl_mm.cli.serve import main

if __name__ == '__main__':
    run(main)
