"""Data quality: statistics, copies, label issues, maps, verdicts and a report."""
