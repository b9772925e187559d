"""Self-contained HTML reports, without scripts, other files or network access."""
