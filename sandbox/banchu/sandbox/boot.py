"""Starts a process of the judge: `python boot.py cell|tester FD`, FD being its socket to the app.

It makes `banchu.sandbox` importable without its contents page: a cell must hold nothing that it does not need, since
every page of its memory is copied for every candidate.
"""

from __future__ import annotations

import sys
import types
from os.path import dirname  # pathlib would be one more thing to copy


def main() -> None:
    role, fd = sys.argv[1], int(sys.argv[2])
    here = dirname(__file__)  # noqa: PTH120
    for name, folder in (("banchu", dirname(here)), ("banchu.sandbox", here)):  # noqa: PTH120
        package = types.ModuleType(name)
        package.__path__ = [folder]
        sys.modules[name] = package
    sys.path.remove(here)
    if role == "cell":
        from banchu.sandbox.cell.server import main as serve
    else:
        from banchu.sandbox.tester.service import main as serve
    serve(fd)


if __name__ == "__main__":
    main()
