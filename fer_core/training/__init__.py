"""The training loop of one run: network, losses, targets, batches, checkpoint and logs."""
