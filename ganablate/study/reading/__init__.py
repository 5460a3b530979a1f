"""From the text of a YAML file to values with their places, and messages about them."""
