"""State of a session: data and model, the visitor, background work, the log."""
