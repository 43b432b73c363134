"""In-process parallel execution: worker processes for work that keeps a core busy."""
