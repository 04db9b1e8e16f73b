"""Networks as folders that need neither torch nor this package: ``tools/export.py``."""
