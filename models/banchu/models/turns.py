"""Arguments of calls on their way back to a model: servers and chat templates want an object, whatever was written."""

from __future__ import annotations

import json
from typing import Any

from banchu.core.chat import ToolCall
from banchu.core.lenient import Unreadable, read_whole


def arguments_object(call: ToolCall) -> dict[str, Any]:
    """The arguments of a call as an object; what cannot be read stands in it as `unreadable`."""
    try:
        found = read_whole(call.arguments) if call.arguments.strip() else {}
    except Unreadable:
        found = None
    return found if isinstance(found, dict) else {"unreadable": call.arguments}


def arguments_json(call: ToolCall) -> str:
    """The same as JSON: as it was written, where that is JSON of an object."""
    try:
        if isinstance(json.loads(call.arguments), dict):
            return call.arguments
    except (ValueError, RecursionError):
        pass
    return json.dumps(arguments_object(call), ensure_ascii=False)
