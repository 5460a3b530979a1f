"""The table of arms, its notes, and what a terminal shows of it."""
