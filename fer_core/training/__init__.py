"""Training runs: the run folder, the training loop, and starting it in a process of its own."""
