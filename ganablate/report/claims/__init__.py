"""What each sentence of a report comes to: a verdict, and the numbers it rests on."""
