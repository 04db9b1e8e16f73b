"""What is compared: methods, seeds, and the complete config of each run."""
