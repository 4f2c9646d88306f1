"""What the tests see of an object that cannot cross."""

from __future__ import annotations


class Opaque:
    """Stands for a candidate's object of a class of its own. Equal to nothing but itself, and can do nothing.

    Its attributes have names that no program's objects have.
    """

    __slots__ = ("__banchu_number__", "__banchu_type__")

    def __init__(self, type_name: str, number: int | None = None) -> None:
        object.__setattr__(self, "__banchu_type__", type_name)
        object.__setattr__(self, "__banchu_number__", number)

    def __repr__(self) -> str:
        return f"<object of type {type_of(self)}>"


def type_of(opaque: Opaque) -> str:
    """The name of the object's class."""
    return str(object.__getattribute__(opaque, "__banchu_type__"))


def number_of(opaque: Opaque) -> int | None:
    """Where the candidate keeps the object; None: nowhere."""
    number: int | None = object.__getattribute__(opaque, "__banchu_number__")
    return number
