#!/usr/bin/env python
"""Write the tables of a model's card from measured numbers."""

from dacl_mm.cli.model_card import main
from dacl_mm.cli.run import run

if __name__ == '__main__':
    run(main)
