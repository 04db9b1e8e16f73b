"""Heads side by side on frozen features: a cheap gate before any long training."""
