"""Whether an attention looks at its image, and at what."""
