"""The state machine of one episode: nodes, feedback sources, stop rules."""

from typing import TYPE_CHECKING

from banchu.graphs.context import EpisodeContext, EpisodeSink, FeedbackMaker, NotCovered, Oracle, Prover

if TYPE_CHECKING:
    from banchu.graphs.episode import build_graph, run_episode

__all__ = [
    "EpisodeContext",
    "EpisodeSink",
    "FeedbackMaker",
    "NotCovered",
    "Oracle",
    "Prover",
    "build_graph",
    "run_episode",
]


def __getattr__(name: str) -> object:
    # langgraph takes about a second to import; the CLI's help must not pay for it.
    if name in ("build_graph", "run_episode"):
        from banchu.graphs import episode

        return getattr(episode, name)
    raise AttributeError(name)
