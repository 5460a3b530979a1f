"""`report.html`: everything that is known of a study at a budget, on one page."""
