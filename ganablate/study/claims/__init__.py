"""The claims of a study: what a report said, as a testable statement."""
