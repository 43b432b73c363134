"""The Python API: researches from a script, one or many, without a command line."""
