"""What the program says of itself while it works."""
