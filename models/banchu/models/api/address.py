"""Where an endpoint is, and the key that opens it."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import urlsplit

from banchu.core.errors import ConfigError

DEFAULT_URL: Final = "https://api.openai.com/v1"
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Address:
    """The base URL of one endpoint with its key, which no message ever shows.

    Args:
        base_url: None: $OPENAI_BASE_URL, or OpenAI's own.
        key_env: the environment variable that holds the key.
        model: for the message that says that there is no key; `option`: what was asked for by that name.

    Raises:
        ConfigError: no key where one is needed, or one that cannot be sent; an address that is none or holds one.
    """

    def __init__(self, base_url: str | None, key_env: str, model: str, option: str = "--model") -> None:
        self.url = (base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL).rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(f"--base-url {self.url!r} is not an address; write http://HOST:PORT/v1")
        if parts.username or parts.password:
            # The address is part of the model's id, which the ledger keeps.
            raise ConfigError(f"--base-url holds a password; write it without, and export {key_env}=...")
        self.key_env = key_env
        self.key = os.environ.get(key_env, "").strip()
        if not (self.key.isascii() and self.key.isprintable()):
            raise ConfigError(f"${key_env} holds a character that no key has; export it again")
        if not self.key and parts.hostname not in _HERE:
            raise ConfigError(f"{option} openai:{model}: no key for {self.url}; export {key_env}=...")

    def said(self, words: object) -> str:
        """One line of what a server or a library said, without the key."""
        text = str(words).replace(self.key, "***") if self.key else str(words)
        return " ".join(text.split())[:300]
