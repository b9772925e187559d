"""Self-contained HTML pages: no script, no file beside them, nothing asked of a network."""
