"""Closer looks at a trained trial: what D has learnt to see, what G does between its samples."""
