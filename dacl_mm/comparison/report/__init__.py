"""The page, its tables and its figures."""
