"""The search inside arms as a sweep: its state, its callback, Tune as it asks for it."""
