"""What a service counts of itself while it runs, and what can be seen of that."""
