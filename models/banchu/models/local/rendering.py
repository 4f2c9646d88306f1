"""A prompt in tokens, as the checkpoint's own tokenizer and chat template have it."""

from __future__ import annotations

from functools import partial
from typing import Any


def prompt_tokens(tokenizer: Any, prompt: Any, prefill: str = "") -> list[int]:
    """The tokens of raw text, or of a chat up to where the answer begins.

    Args:
        tokenizer: of transformers.
        prompt: text, or [role, content] of each message.
        prefill: how the answer begins, in a chat.

    Raises:
        Exception: whatever the checkpoint's own template raises.
    """
    if isinstance(prompt, str):
        return list(tokenizer(prompt)["input_ids"])
    messages = [{"role": role, "content": content} for role, content in prompt]
    # The template writes the special tokens itself.
    render = partial(tokenizer.apply_chat_template, tokenize=False)
    if not prefill:
        text = render(messages, add_generation_prompt=True)
    else:
        text = render([*messages, {"role": "assistant", "content": prefill}], continue_final_message=True)
        # Some templates strip what they are given; the answer must go on behind the last space.
        text = text.rstrip() + prefill[len(prefill.rstrip()) :]
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
