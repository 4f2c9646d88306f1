"""Where a checkpoint lies and what names its weights, found out without importing torch."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from pathlib import Path

from banchu.core.errors import ConfigError, ModelError
from banchu.core.paths import user_path
from banchu.models.protocol import PromptStyle

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_HEAD = 2**20


def find_checkpoint(name: str, kind: str = "hf") -> Path:
    """The folder of `hf:NAME`: a path, or a model of the hub's cache or, unless HF_HUB_OFFLINE is set, of the hub.

    Args:
        kind: what stands before the name, for messages.

    Raises:
        ConfigError: the packages for local models are missing.
        ModelError: there is no such checkpoint, or it cannot be had.
    """
    path = find_folder(name, f"--model {kind}:")
    if not (path / "config.json").is_file() or not any(any(path.glob(pattern)) for pattern in _WEIGHTS):
        why = f"not a checkpoint, it needs config.json and weights ({', '.join(_WEIGHTS)})"
        raise _refused(f"--model {kind}:{path}", why)
    if (path / "adapter_config.json").is_file():
        # transformers would load another checkpoint than this one: the adapter's base, with the adapter.
        why = "holds a checkpoint and an adapter; keep them apart, and name the adapter with --adapter"
        raise _refused(f"--model {kind}:{path}", why)
    return path


def find_folder(name: str, option: str = "--model hf:") -> Path:
    """The folder of a checkpoint or adapter; as `find_checkpoint`, without a look into it. `option` is for messages."""
    need_packages("torch", "transformers")
    path = user_path(name)
    if path.is_dir():
        return path
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        what = "an adapter's" if option == "--adapter " else "a checkpoint's"
        raise _refused(f"{option}{name}", f"no folder {str(path)!r}; give {what} folder or OWNER/NAME")
    from httpx2 import HTTPError  # what huggingface_hub asks with
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}
    wanted = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted, local_files_only=offline))
    except LocalEntryNotFoundError:
        why = "it is not in the cache, and HF_HUB_OFFLINE is set" if offline else "the hub cannot be reached"
        raise _refused(f"{option}{name}", f"{why}; download it where there is a network, or give its folder") from None
    # ValueError: an answer that is not JSON, as of a proxy that wants a password.
    except (HfHubHTTPError, HTTPError, OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise _refused(f"{option}{name}", f"the hub refused it ({reason}); check the name and your token") from None


def _refused(what: str, why: str) -> ModelError:
    return ModelError(f"{what}: {why}", fatal=True)


def fingerprint(path: Path) -> str:
    """Names the weights: sha256 over config, tokenizer, and name, size and first MiB of each weights file."""
    digest = hashlib.sha256()
    files = sorted(f for f in path.iterdir() if f.suffix in {".json", ".jinja", ".safetensors", ".bin", ".model"})
    for file in files:
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as content:
            digest.update(content.read(_HEAD))
    return digest.hexdigest()


def style_of(path: Path) -> PromptStyle:
    """`chat` where the tokenizer has a chat template."""
    if (path / "chat_template.jinja").exists():
        return "chat"
    try:
        config = json.loads((path / "tokenizer_config.json").read_text())
    except (OSError, ValueError):
        return "completion"
    return "chat" if config.get("chat_template") else "completion"


def need_packages(*names: str, extra: str = "local") -> None:
    """Raises ConfigError where one of the packages for local models is missing."""
    if missing := [name for name in names if importlib.util.find_spec(name) is None]:
        raise ConfigError(f"a local model needs {', '.join(missing)}; pip install 'banchu[{extra}]'")
