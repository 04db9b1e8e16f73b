#!/usr/bin/env python
"""Train DACL and softmax on the embedded data set, test both, print one table."""

from dacl_mm.cli.demo import main
from dacl_mm.cli.run import run

if __name__ == '__main__':
    run(main)
