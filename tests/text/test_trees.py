from __future__ import annotations

from wiseflow.text.trees import walk


class Element(list["Element"]):
    """An element with a name, which yields its children."""

    def __init__(self, name: str, *children: Element) -> None:
        super().__init__(children)
        self.name = name


def test_every_element_comes_before_and_after_its_children():
    tree = Element("body", Element("p", Element("b")), Element("table"))

    visits = [("/" if left else "") + element.name for element, left in walk(tree)]

    assert visits == ["body", "p", "b", "/b", "/p", "table", "/table", "/body"]


def test_a_tree_may_be_deeper_than_pythons_stack():
    tree = Element("leaf")
    for _ in range(50_000):
        tree = Element("branch", tree)

    assert sum(1 for _ in walk(tree)) == 100_002

    # Taken apart from the top, because freeing so deep a tree at once would recurse.
    while tree:
        tree = tree.pop()
