"""A client of the service's REST API."""
