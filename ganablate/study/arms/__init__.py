"""From factors, named arms and crosses to resolved settings with content-hashed ids."""
