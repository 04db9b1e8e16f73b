"""The command lines, one module each; ``tools/`` and ``dacl-mm`` call them."""
