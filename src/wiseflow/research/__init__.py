"""Research: a topic in, a cited report out."""
