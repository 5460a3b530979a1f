"""Studies: read, check, expand and name them. Torch-free, so that planning takes no time."""
