"""Exports of a report: JSON (a contract), Markdown, HTML. Pure: text out, nothing read or kept."""
