"""Results: from trial folders to tidy frames, and from frames to tables, figures and captions."""
