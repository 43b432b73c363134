"""Ports are promises to callers; the adapters' contract suites are where the adapters live."""

import inspect

from wiseflow.core import ports


def test_every_port_method_says_what_it_does():
    protocols = [
        kind
        for _, kind in inspect.getmembers(ports, inspect.isclass)
        if kind.__module__ == ports.__name__
    ]

    undocumented = [
        f"{kind.__name__}.{name}"
        for kind in protocols
        for name, member in vars(kind).items()
        if inspect.isfunction(member) and not name.startswith("_") and not member.__doc__
    ]

    assert protocols
    assert undocumented == []
