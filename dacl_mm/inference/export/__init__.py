"""Networks as folders that need neither torch nor this package: ``tools/export.py``."""

PRECISIONS = ('float32', 'float16', 'int8')
