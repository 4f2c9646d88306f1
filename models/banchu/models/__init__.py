"""Chat and completion models behind one small protocol. Nothing heavy is imported until a model is opened."""

from banchu.models.protocol import Around, Model, NotSent, PromptStyle

__all__ = ["Around", "Model", "NotSent", "PromptStyle"]
