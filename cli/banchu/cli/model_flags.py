"""What may be said of a model on the command line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

if TYPE_CHECKING:
    from banchu.models.registry import ModelOptions

MaxRpm = Annotated[int | None, typer.Option(help="Requests to an API in any minute at most.")]
MaxTpm = Annotated[int | None, typer.Option(help="Tokens of an API in any minute at most.")]
MaxConnections = Annotated[int, typer.Option(help="Requests in flight to an API at most.")]
Patience = Annotated[float, typer.Option(help="Seconds for which a call to an API is tried again.")]
Omit = Annotated[
    str, typer.Option(help="Fields that the API's model does not take, such as temperature,top_p,max_tokens.")
]
BaseUrl = Annotated[str | None, typer.Option(help="An OpenAI-compatible endpoint, such as http://127.0.0.1:8000/v1.")]
Style = Annotated[
    str | None, typer.Option(help="How to ask for code: chat or completion. Default: what suits the model.")
]
Workers = Annotated[
    int | None, typer.Option(help="Processes of a local model. Default: one a core, or one a GPU, if they fit.")
]
Device = Annotated[
    str | None, typer.Option(metavar="DEVICE", help="Of a local model: cpu, cuda or cuda:N. Default: a GPU, if any.")
]
Dtype = Annotated[
    str | None,
    typer.Option(
        metavar="DTYPE",
        help="Numbers of a local model: float32, bfloat16, float16. Default: float32 on a CPU, 16 bits on a GPU.",
    ),
]
Quantize = Annotated[
    str | None, typer.Option(metavar="INT", help="Weights of a local model in int8 or int4 (bitsandbytes).")
]
Adapter = Annotated[
    str | None, typer.Option(metavar="FOLDER", help="A PEFT adapter for a local model, such as LoRA's.")
]
FitCheck = Annotated[bool, typer.Option(help="Refuse a local model that does not fit into free memory.")]


@dataclass(frozen=True, slots=True)
class MachineFlags:
    """How a local model runs on this machine: what may differ when a run goes on elsewhere."""

    PANEL: ClassVar[str] = "Model"
    workers: Workers = None
    device: Device = None
    dtype: Dtype = None
    adapter: Adapter = None
    fit_check: FitCheck = True

    def said(self) -> dict[str, Any]:
        """Those that were said, as fields of `ModelOptions`."""
        return {name: v for name, v in asdict(self).items() if v is not None and (name, v) != ("fit_check", True)}


@dataclass(frozen=True, slots=True)
class TryFlags:
    """Where a model is and how it is loaded."""

    PANEL: ClassVar[str] = "Model"
    base_url: BaseUrl = None
    style: Style = None
    workers: Workers = None
    device: Device = None
    dtype: Dtype = None
    quantize: Quantize = None
    adapter: Adapter = None
    fit_check: FitCheck = True

    def options(self) -> ModelOptions:
        """As `open_model` takes them. Raises ConfigError."""
        from banchu.cli.styles import prompt_style
        from banchu.models.registry import ModelOptions

        said = {name: value for name, value in asdict(self).items() if value is not None}
        if "patience" in said:
            said["patience_s"] = said.pop("patience")
        return ModelOptions(**(said | {"style": prompt_style(self.style)}))


@dataclass(frozen=True, slots=True)
class ModelFlags(TryFlags):
    """The same, and how an API is asked over hours."""

    max_rpm: MaxRpm = None
    max_tpm: MaxTpm = None
    max_connections: MaxConnections = 256
    patience: Patience = 1800.0
    omit: Omit = ""
