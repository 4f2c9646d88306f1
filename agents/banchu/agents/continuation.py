"""From the continuation of a prompt to a program: the reply of a model that was asked to go on inside the body."""

from __future__ import annotations

from banchu.agents.body import body_indent, layouts, reindented
from banchu.agents.extraction import Extraction, extract_code
from banchu.agents.parsing import Chunk, compiles, leading_space, longest_prefix, normalised
from banchu.agents.program import assemble, defines
from banchu.core.task import Task

_FENCES = ("```", "~~~")


def continue_prompt(task: Task, reply: str) -> Extraction:
    """The program that `reply` continues, cut at its last line that still parses. Never raises.

    The prompt that was sent ends inside the indent of the body, so the first line of the reply belongs to it. A
    reply that starts over with a whole function in a fence is read as a chat reply.
    """
    lines = _until_fence(normalised(reply).split("\n"))
    head = task.prompt.rstrip("\n").split("\n")
    if not any(line.strip() for line in lines):
        return extract_code(reply, task)
    best, reached = None, len(head)
    bodies = _bodies(lines, body_indent(task))
    for body in bodies:
        count, module = longest_prefix([*head, *body])
        chunk = Chunk("\n".join([*head, *body][:count]) + "\n", module)
        if count > reached and defines(chunk, task.entry_point):
            best, reached = chunk, count
    if best:
        return _checked(assemble(task.prompt, task.entry_point, best))
    restarted = extract_code(reply, task)
    return restarted if restarted.how in ("module", "method") else _checked("\n".join([*head, *bodies[0]]) + "\n")


def _until_fence(lines: list[str]) -> list[str]:
    """The lines before the fence that closes the code; one may stand at the end of a line of code."""
    for at, line in enumerate(lines):
        if line.lstrip().startswith(_FENCES):
            return lines[:at]
        if line.rstrip().endswith("```"):
            return [*lines[:at], line.rstrip().rstrip("`")]
    return lines


def _bodies(lines: list[str], indent: str) -> list[list[str]]:
    """The body as it continues the sent indent, and as it would be with an indent of its own."""
    continues = bool(lines[0].strip())
    body = lines[next(at for at, line in enumerate(lines) if line.strip()) :]
    found = [[indent + body[0].lstrip(" \t"), *body[1:]] if continues else body]
    for layout in layouts("\n".join(body)):
        opener = ["if True:"] if leading_space(layout[0]) else []
        count, _ = longest_prefix([*opener, *layout])
        if count > len(opener) and (moved := reindented(layout[: count - len(opener)], indent)):
            found.append(moved)
    return found


def _checked(code: str) -> Extraction:
    return Extraction(code, "continuation" if compiles(code) else "broken")
