"""One project folder: its studies, `runs/`, `results/`, and what may be done to them."""
