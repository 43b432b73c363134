"""Records, ports, errors, the clock and ids: what every other package may import."""
