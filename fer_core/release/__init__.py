"""From trained networks to a shipped model: one graph, calibrated, made small, with its card."""
