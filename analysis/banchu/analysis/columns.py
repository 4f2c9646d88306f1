"""The columns of a run's tidy tables: their names, types and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

Type = Literal["text", "int", "real", "bool"]
Value: TypeAlias = str | int | float | bool | None
Row: TypeAlias = tuple[Value, ...]
Table = Literal["attempts", "episodes", "calls", "feedback", "self_tests", "tool_calls", "recalls"]
TABLE_NAMES: tuple[Table, ...] = get_args(Table)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Any may be empty where its text says when."""

    name: str
    type: Type
    text: str


_KEY: Final = (
    Column("run", "text", "name of the run's folder"),
    Column("task_id", "text", "the task"),
    Column("arm", "text", "the arm, as it was written; options in their shortest spelling"),
    Column("repeat", "int", "from 0"),
)
_ROUND: Final = Column("round", "int", "from 0, the first attempt")

TABLES: Final[dict[Table, tuple[Column, ...]]] = {
    "attempts": (
        *_KEY,
        _ROUND,
        Column("verdict", "text", "what the judge said: passed, wrong_answer, ...; empty: unjudged"),
        Column("passed", "bool", "whether the verdict is `passed`; empty: unjudged"),
        Column("tests_passed", "int", "sealed assertions that held; empty: unjudged"),
        Column("tests_total", "int", "sealed assertions known; empty: unjudged"),
        Column("accepts", "bool", "whether the feedback source held the attempt for right; empty: it did not say"),
        Column("revises", "int", "the attempt that it revises; empty: an independent sample"),
        Column("answer", "int", "the attempt that was the answer after it"),
        Column("truncated", "bool", "the reply was cut by the token limit"),
        Column("says_done", "bool", "the reply says that the earlier answer stands"),
        Column("cpu_s", "real", "CPU seconds of the candidate; empty: unjudged"),
        Column("isolation", "text", "the tier that held the candidate; empty: unjudged"),
        Column("code", "text", "the program; empty: the reply held none"),
        Column("reply", "text", "the model's reply as it came; empty: may hold sealed tests"),
    ),
    "episodes": (
        *_KEY,
        Column("status", "text", "done, or failed: a model error ended it"),
        Column("stopped_by", "text", "the stop rule that ended it, or `budget`: its own; `rounds` where none did"),
        Column("error", "text", "why a failed episode ended; empty otherwise"),
        Column("claims", "text", "what a number of this arm may be called"),
        Column("oracle", "bool", "whether the arm may use the sealed tests; if so, no number of it is pass@1"),
        Column("attempts", "int", "how many there are"),
        Column("first_passed", "bool", "of the first attempt; empty: unjudged, or there is none"),
        Column("last_passed", "bool", "of the answer at the end; empty: unjudged, or there is none"),
        Column("last_truncated", "bool", "whether its reply was cut by the token limit; empty: there is none"),
        Column("oracle_calls", "int", "verdicts on the sealed tests that crossed into the feedback channel"),
        Column("model_calls", "int", "of every role"),
        Column("prompt_tokens", "int", "of every call, bought or shared with another arm"),
        Column("completion_tokens", "int", "of every call, bought or shared with another arm"),
        Column("reasoning_tokens", "int", "of the completion tokens, those that are no part of a reply"),
        Column("truncated_replies", "int", "replies of any role that were cut by the token limit"),
        Column("sealed_prompts", "int", "prompts in which text of the sealed tests was found"),
        Column("model_s", "real", "seconds inside model calls, added up"),
        Column("split", "text", "test; train where the task only wrote lessons for others, and is in no figure"),
    ),
    "calls": (
        *_KEY,
        _ROUND,
        Column("role", "text", "who asked: actor, critic, reflector, tester"),
        Column("turn", "int", "which answer of that role in the round: 0, or more where it calls tools first"),
        Column("prompt_tokens", "int", ""),
        Column("completion_tokens", "int", ""),
        Column("reasoning_tokens", "int", "of the completion tokens, those that are no part of the reply"),
        Column("finish_reason", "text", "stop, length (cut by the token limit) or content_filter"),
        Column("sealed_hits", "int", "sealed assertions whose text was found in the prompt"),
        Column("wall_s", "real", "seconds until the answer"),
        Column("sampling", "text", "JSON: temperature, top_p, max_tokens, stop, seed"),
        Column("prompt", "text", "raw text, or a chat as JSON [[role, content], ...]; empty: may hold sealed tests"),
        Column("reply", "text", "the answer; empty: may hold sealed tests"),
    ),
    "feedback": (
        *_KEY,
        _ROUND,
        Column("source", "text", "who made it"),
        Column("accepts", "bool", "whether the source held the attempt for right; empty: it did not say"),
        Column("text", "text", "what the agent was shown; empty: nothing, or it may hold sealed tests"),
        Column("reflection", "text", "what the reflector wrote; empty: nothing, or it may hold sealed tests"),
    ),
    "self_tests": (
        *_KEY,
        Column("number", "int", "from 0"),
        Column("source", "text", "one assert statement that the model wrote for itself"),
        Column("holds", "bool", "whether the reference solution passes it; empty: not known"),
    ),
    "recalls": (
        *_KEY,
        Column("round", "int", "the first attempt whose prompt held it; so did all later ones"),
        Column("place", "int", "in the prompt, from 1; 0: nothing was found; from 1001: an answer of search_memory"),
        Column("origin", "text", "the episode that wrote it"),
        Column("about", "text", "the task of that episode"),
        Column("outcome", "text", "how that ended, as far as its arm could tell"),
        Column("oracle", "bool", "whether it was written under an oracle"),
        Column("score", "real", "of the ranking that chose it"),
        Column("lexical_rank", "int", "by its words, from 1; empty: none in common"),
        Column("lexical_score", "real", "BM25; empty: none in common"),
        Column("dense_rank", "int", "by its vector, from 1; empty: none"),
        Column("similarity", "real", "cosine; empty: no vector"),
        Column("lesson", "text", "what the prompt was given; empty: may hold sealed tests"),
    ),
    "tool_calls": (
        *_KEY,
        Column("number", "int", "among the calls of tools of its episode, from 0"),
        _ROUND,
        Column("role", "text", "who called: actor, critic"),
        Column("turn", "int", "after which of its answers in the round, from 0"),
        Column("tool", "text", "its name as the model wrote it; empty: the call could not be read"),
        Column("outcome", "text", "answered, failed, timed_out, bad_arguments, unreadable, unknown_tool, limit, ..."),
        Column("wall_s", "real", "seconds that it took"),
        Column("oracle", "bool", "whether the tool knows the answer"),
        Column("left_out", "int", "characters of the result that the model was not told, for want of room"),
        Column("prompt_tokens", "int", "of models that the tool asked; 0 where it asked none"),
        Column("completion_tokens", "int", "likewise"),
        Column("arguments", "text", "as the model wrote them; empty: may hold sealed tests"),
        Column("result", "text", "what the model was told; empty: may hold sealed tests"),
    ),
}
