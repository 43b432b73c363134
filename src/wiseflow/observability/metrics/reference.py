"""The reference page of the metrics, made of the catalogue."""

from __future__ import annotations

from wiseflow.observability.metrics.catalogue import CATALOGUE, Kind, Metric, Reach

_HEAD = """# Metrics

Made from the code by `make docs`; [how to monitor](../how-to/monitor.md) tells where they are.

**Of all instances**: read from the database by whichever instance is scraped, at most once a \
second, and less often when that takes long. Each instance tells the same number: take one (`max \
without (instance)`), never a sum. While the database does not answer, they are left out, and \
`wiseflow_database_up` is 0.

**Of this process**: counted in the memory of the process that is scraped since it started. Sum \
them over instances.

Labels have few values, whatever is asked for: providers are those that are installed, models \
those that settings name and the first 40 others that answered, routes are templates; all else \
is `other`. No label holds an id, a path, a tenant or a key.

Beside these are what Prometheus' own library tells of each process: `process_*`, `python_*`.
"""


def render_metrics() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    for title, metrics in CATALOGUE.items():
        parts.append(f"\n## {title}\n\n| name | type | of | labels | what it tells |\n")
        parts.append("|---|---|---|---|---|\n")
        parts.extend(map(_row, metrics))
    return "".join(parts)


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    reach = "all instances" if metric.reach is Reach.ALL else "this process"
    more = f" Buckets: {_bounds(metric)}." if metric.kind is Kind.HISTOGRAM else ""
    lint = f" `promtool` minds the name: {metric.lint}." if metric.lint else ""
    return (
        f"| `{metric.name}` | {metric.kind} | {reach} | {labels} | {metric.help}.{more}{lint} |\n"
    )


def _bounds(metric: Metric) -> str:
    return ", ".join(f"{bound:g}" for bound in metric.buckets)
