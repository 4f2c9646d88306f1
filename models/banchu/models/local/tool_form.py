"""Whether calls in a checkpoint's own form can be read here: asked of its chat template itself, once.

The template is given a call as an assistant's message; what it makes of it is what the checkpoint was trained to write.
If that is read as the same call, so is the checkpoint's.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from banchu.core.chat import Tool
from banchu.core.tool_calls import find_calls

_SCHEMA: Final = '{"type": "object", "properties": {"text": {"type": "string"}, "number": {"type": "integer"}}}'
_TOOL: Final = Tool("try_it", "Tries.", _SCHEMA)
_ARGUMENTS: Final = {"text": 'def f(x):\n    return "a"\n', "number": 2}
_CALL: Final = {"name": _TOOL.name, "arguments": json.dumps(_ARGUMENTS), "id": "call00001"}
_ASKED: Final = [["user", "Q"]]
_TURNS: Final = [*_ASKED, ["assistant", "", {"tool_calls": [_CALL]}], ["tool", "RESULT", {"call_id": _CALL["id"]}]]
_known: dict[str, bool] = {}


def has_place_for_tools(tokenizer: Any) -> bool:
    """Whether the checkpoint's chat template shows a model the tools on offer."""
    return bool(re.search(r"\btools\b", _template(tokenizer)))


def reads_calls(tokenizer: Any, render: Callable[[Sequence[Any], Sequence[Tool]], str]) -> bool:
    """Whether a call in the template's form is read as it was meant.

    Args:
        render: messages as `Message.plain`, and tools, to the text of a prompt. What it raises is a no.
    """
    template = _template(tokenizer)
    if template not in _known:
        _known[template] = _round_trip(render)
    return _known[template]


def _round_trip(render: Callable[[Sequence[Any], Sequence[Tool]], str]) -> bool:
    try:
        asked, whole = render(_ASKED, [_TOOL]), render(_TURNS, [_TOOL])
    except Exception:  # noqa: BLE001  # templates are the checkpoint's own code
        return False
    begun = os.path.commonprefix([asked, whole])  # noqa: RUF071  # by characters, as is meant
    said = whole[len(begun) :].partition("RESULT")[0]
    calls = find_calls(said, [_TOOL]).calls
    return [(call.name, json.loads(call.arguments)) for call in calls if call.name] == [(_TOOL.name, _ARGUMENTS)]


def _template(tokenizer: Any) -> str:
    template = tokenizer.chat_template
    template = template.get("tool_use", template.get("default")) if isinstance(template, dict) else template
    return template or ""
