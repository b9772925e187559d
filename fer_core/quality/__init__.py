"""What is in a data set and what is wrong with it: statistics, copies, label issues, maps, verdicts, a report."""
