"""One trial on disk: its folder and lock, its status, what it still needs, its outcome."""
