"""Statistics on frames: numbers in, numbers out, without a word."""
