"""One process that speaks as the providers do, over a world whose facts are known."""
