"""Training runs: folders, processes, the queue, the registry, steering and sweeps."""
