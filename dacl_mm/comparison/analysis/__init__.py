"""What the runs say: intervals, differences of pairs, and a simulation that holds them to it."""
