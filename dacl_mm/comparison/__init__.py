"""Methods compared over seeds: plan, runs, statistics, report."""
