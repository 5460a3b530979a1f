"""What `show` and `compare` say: one arm or trial, or two of them beside each other."""
