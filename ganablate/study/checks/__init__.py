"""What a study that can be read may still not ask for."""
