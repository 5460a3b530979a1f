"""What makes parts of the pages."""
