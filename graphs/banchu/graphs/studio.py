"""The graphs that `langgraph.json` opens. Studio draws them; to run one, hand it an `EpisodeContext` from Python."""

from __future__ import annotations

from banchu.core.arm import Arm
from banchu.graphs.episode import EpisodeGraph, build_graph


def reflexion() -> EpisodeGraph:
    """Feedback from the sealed tests, one reflection a round, stopped by the oracle."""
    return build_graph(Arm.parse("oracle_trace"), rounds=2)


def intrinsic() -> EpisodeGraph:
    """The model's own critique; nothing stops it but the rounds."""
    return build_graph(Arm.parse("intrinsic"), rounds=2)


def tools() -> EpisodeGraph:
    """Actor and critic may call tools before they answer: the loops act ⇄ tools and assess ⇄ tools."""
    return build_graph(Arm.parse("tools+tools=actor"), rounds=2)
