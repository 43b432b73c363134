"""Measurements that anyone can repeat, run by `wiseflow bench`."""
