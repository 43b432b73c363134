"""What the user can set, and where each value came from."""
