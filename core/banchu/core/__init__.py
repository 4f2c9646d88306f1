"""The nouns of banchu as types, and its errors. Imports nothing of ours.

`banchu.core.sealed` is deliberately not re-exported: agents, graphs, memory and models may not import it.
"""

from banchu.core.arm import Arm
from banchu.core.chat import Completion, Message, Request, Sampling, TokenLogprob, Tool, ToolCall, Usage
from banchu.core.episode import Attempt, CallRecord, EpisodeRecord, Feedback, JudgedAttempt
from banchu.core.errors import (
    BanchuError,
    ConfigError,
    DataError,
    ModelError,
    SandboxError,
    StorageError,
    ToolError,
)
from banchu.core.task import Task
from banchu.core.verdict import Verdict

__all__ = [
    "Arm",
    "Attempt",
    "BanchuError",
    "CallRecord",
    "Completion",
    "ConfigError",
    "DataError",
    "EpisodeRecord",
    "Feedback",
    "JudgedAttempt",
    "Message",
    "ModelError",
    "Request",
    "Sampling",
    "SandboxError",
    "StorageError",
    "Task",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolError",
    "Usage",
    "Verdict",
]
