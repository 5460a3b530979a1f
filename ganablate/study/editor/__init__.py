"""What helps to write a study: the JSON schema for editors, and a first study."""
