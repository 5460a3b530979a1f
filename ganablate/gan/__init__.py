"""Networks, losses, data and the one shared training loop."""
