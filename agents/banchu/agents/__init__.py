"""Agents: the roles that ask a model, their prompts, and how code is read from replies."""

from banchu.agents.actor import Actor
from banchu.agents.continuation import continue_prompt
from banchu.agents.critic import Critic, Critique
from banchu.agents.extraction import Extraction, extract_code
from banchu.agents.reflector import Reflector
from banchu.agents.tester import TestWriter

__all__ = ["Actor", "Critic", "Critique", "Extraction", "Reflector", "TestWriter", "continue_prompt", "extract_code"]
