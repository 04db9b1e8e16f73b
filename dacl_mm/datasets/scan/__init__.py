"""One look at every image of a set, kept in the cache."""
