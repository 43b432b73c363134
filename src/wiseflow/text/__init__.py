"""Turns bytes into text, and text into sentences, passages and words."""
