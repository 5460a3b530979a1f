"""Pictures of a study. Each module draws one from frames; `style` says how all of them look."""
