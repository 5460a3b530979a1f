"""What a person sees while a sweep runs: a live screen, or plain lines without a terminal."""
