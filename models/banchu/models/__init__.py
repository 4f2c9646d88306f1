"""Chat and completion models behind one small protocol. Nothing heavy is imported until a model is opened."""

from banchu.models.protocol import Model, PromptStyle

__all__ = ["Model", "PromptStyle"]
