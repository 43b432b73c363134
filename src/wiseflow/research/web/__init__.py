"""Research on the web: searched, read, ranked and kept."""
