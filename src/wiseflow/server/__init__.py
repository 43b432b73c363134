"""REST, dashboard, health and metrics: parse, call the application, render."""
