"""What follows a finished report: questions to it, and researches that build on it."""
