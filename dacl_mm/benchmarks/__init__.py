"""Speed as ratios of interleaved runs; ``tools/benchmark.py`` calls the cases."""
