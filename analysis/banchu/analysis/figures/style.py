"""How every figure looks, and how it becomes a file: the same bytes from the same data, whatever the user's settings.

Colours are Okabe and Ito's, which readers with any common colour blindness tell apart; nothing is told by colour alone
(markers, line styles, hatches and written counts say the same in grey). No pyplot: nothing global is left behind.
"""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from banchu.analysis.figures.views import State
from banchu.core.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

DPI: Final = 150
SMALL: Final = 7.5
_CAPTION_LINE_IN: Final = SMALL * 1.3 / 72
_CHARACTERS_PER_IN: Final = 17
"""Of a caption: DejaVu Sans is about half as wide as it is high."""

COLOURS: Final = ("#000000", "#E69F00", "#0072B2", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#7F7F7F")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")

STATE_FILL: Final[dict[State, tuple[str, str]]] = {
    "correct": ("#0072B2", ""),
    "incorrect": ("#E3E3E3", ""),
    "unjudged": ("#FFFFFF", "...."),
    "error": ("#FFFFFF", "xxxx"),
    "not run": ("#FFFFFF", ""),
}
"""Fill and hatch: dark is right, light is not, a pattern is neither."""
FIXED: Final = "#009E73"
BROKEN: Final = "#D55E00"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure with the words that belong to it."""

    figure: Figure
    title: str
    caption: str
    """What is shown, what n is, and what is counted apart. It is part of the picture too."""


def need_matplotlib() -> None:
    """Raises ConfigError where figures cannot be drawn."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise ConfigError("figures need matplotlib; pip install 'banchu[figures]', or use --no-figures")


@contextmanager
def house_style() -> Iterator[None]:
    """Our settings instead of the user's, for as long as it takes to draw or to write."""
    from matplotlib import style

    ours: dict[str, Any] = {
        "font.family": "DejaVu Sans",  # ships with matplotlib
        "font.size": 9.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid.axis": "y",
        "grid.color": "#D9D9D9",
        "hatch.linewidth": 0.6,
        "legend.fontsize": SMALL,
        "legend.frameon": False,
        "svg.hashsalt": "banchu",  # else each file gets ids of its own
        "svg.fonttype": "path",  # looks the same where the font is not installed
        "text.parse_math": False,  # arms and tasks may have a $ in their names
        "text.usetex": False,
    }
    with style.context(["default", ours]):
        yield


@dataclass(frozen=True, slots=True)
class Page:
    """A figure with its title above and its caption below; what is drawn goes into `body`."""

    drawing: Drawing
    body: SubFigure


def new_page(width: float, height: float, title: str, caption: str) -> Page:
    """An empty page that belongs to no window and no global list.

    Args:
        width: in inches.
        height: in inches, of title and body; the caption adds to it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = textwrap.wrap(caption, int(width * _CHARACTERS_PER_IN))
    below = len(lines) * _CAPTION_LINE_IN + 0.1
    figure = Figure(figsize=(width, height + below), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=[height, below], hspace=0)
    body, foot = parts[0, 0], parts[1, 0]
    body.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    foot.text(0.01, 0.95, "\n".join(lines), fontsize=SMALL, color="#404040", va="top", label="caption")
    return Page(Drawing(figure, title, caption), body)


def message(title: str, text: str) -> Drawing:
    """A figure that says why there is no figure."""
    page = new_page(6.5, 1.2, title, text)
    page.body.text(0.5, 0.45, text, ha="center", va="center", fontsize=9)
    return page.drawing


def render(drawing: Drawing, form: str) -> bytes:
    """The file's content, `png` or `svg`; it holds no date and no version."""
    out = io.BytesIO()
    metadata = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
    with house_style(), warnings.catch_warnings():
        # A task may be named in a script that no bundled font has; a box in its place is all we can do.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        drawing.figure.savefig(out, format=form, metadata=metadata)
    return _numbered(out.getvalue()) if form == "svg" else out.getvalue()


def _numbered(svg: bytes) -> bytes:
    """The same SVG with its ids numbered: matplotlib's follow from what this process drew before (its colour cache
    holds 1 or 1.0, whichever was asked for first, and an id is a hash of the text of it)."""
    numbers: dict[bytes, int] = {}

    def number(found: re.Match[bytes]) -> bytes:
        return found[1] + b"%d" % numbers.setdefault(found[2], len(numbers))

    return re.sub(rb'((?:id="|#)[A-Za-z0-9_]*?)([0-9a-f]{10})(?=["\)])', number, svg)


def shown(text: str, most: int = 40) -> str:
    """A name fit for a figure: one line, nothing that SVG may not hold, the middle cut out of long ones."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return plain if len(plain) <= most else f"{plain[: most // 2]}…{plain[-(most // 2 - 1) :]}"
