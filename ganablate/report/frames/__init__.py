"""The data of a record: one row a trial, its curves, its looks, and where they came from."""
