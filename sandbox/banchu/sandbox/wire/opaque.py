"""What the tests see of an object that cannot cross."""

from __future__ import annotations


class Opaque:
    """Stands for a candidate's object of a class of its own. Equal to nothing but itself, and can do nothing."""

    __slots__ = ("number", "type_name")

    def __init__(self, type_name: str, number: int | None = None) -> None:
        self.type_name = type_name
        self.number = number
        """Where the candidate keeps it; None: nowhere."""

    def __repr__(self) -> str:
        return f"<object of type {self.type_name}>"
