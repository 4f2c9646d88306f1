"""Reader of Inspect's logs, `.eval` (a zip of JSON) and `.json`, without Inspect.

Source: UKGovernmentBEIS/inspect_ai@499e615: src/inspect_ai/log/_log.py (`EvalSample`: id, epoch, messages, output,
scores, attachments), src/inspect_ai/log/_recorders/eval.py (`samples/ID_epoch_N.json`), scorer/_metric.py (values
"C", "I", or a number). New versions compress with Zstandard, which zipfile does not know before Python 3.14.
"""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
from collections.abc import Iterator
from typing import Any, Final

from banchu.benchmarks.reading import decoded
from banchu.core.errors import DataError
from banchu.experiments.audit.rows import Fields, Row, Written

_MAGIC: Final = b"PK\x03\x04"
_ZSTANDARD: Final = 93
_ATTACHMENT: Final = "attachment://"
_CONVERT: Final = "convert it with `inspect log convert FILE --to json --output-dir DIR` and audit that"
_GRADES: Final[dict[str, bool]] = {"C": True, "I": False, "P": False, "N": False}
_MOST_BYTES: Final = 2**30


def is_archive(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def is_log(row: dict[str, Any]) -> bool:
    """Whether an object is a whole log, as `.json` logs are."""
    return isinstance(row.get("eval"), dict) and "samples" in row


def is_json_log(text: str) -> bool:
    """Whether a file is one such object, on one line or many."""
    try:
        return '"eval"' in text and is_log(json.loads(text))
    except (ValueError, RecursionError, AttributeError):
        return False


def samples(data: bytes, label: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Number from 1, place and content of each sample. Raises DataError."""
    for number, (where, sample) in enumerate(_of_archive(data, label) if is_archive(data) else _of_json(data, label)):
        if not isinstance(sample, dict):
            raise DataError(f"{where}: is {type(sample).__name__}, not a sample of Inspect")
        yield number + 1, where, sample


def read_sample(fields: Fields) -> Row:
    """The assistant's messages that hold code, by round; the last is what was scored."""
    texts = [_content(message) for message in _messages(fields) if message.get("role") == "assistant"]
    final = _final(fields)
    if final and (not texts or texts[-1].strip() != final.strip()):
        texts.append(final)
    attachments = fields.raw("attachments")
    texts = [_resolved(text, attachments if isinstance(attachments, dict) else {}) for text in texts]
    # What comes before the last message and holds no function is talk, such as a call of a tool.
    kept = [text for number, text in enumerate(texts) if "def " in text or number == len(texts) - 1]
    claimed = _claimed(fields.raw("scores"))
    last = len(kept) - 1
    return Row(
        name=fields.text("id"),
        attempts=tuple(Written(n, text, claimed if n == last else None, "reply") for n, text in enumerate(kept))
        or (Written(0, None, claimed, "reply"),),
        repeat=max((fields.count("epoch") or 1) - 1, 0),
    )


def _of_json(data: bytes, label: str) -> Iterator[tuple[str, Any]]:
    try:
        log = json.loads(decoded(data, label))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{label}: not valid JSON ({error}); Inspect writes .eval or .json") from None
    if not isinstance(log, dict) or not is_log(log) or not isinstance(log["samples"], list):
        raise DataError(f"{label}: is no log of Inspect with samples; it needs eval and samples")
    for number, sample in enumerate(log["samples"], start=1):
        yield f"{label}, sample {number}", sample


def _of_archive(data: bytes, label: str) -> Iterator[tuple[str, Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "header.json" not in archive.namelist() and "_journal/start.json" not in archive.namelist():
                raise DataError(f"{label}: an archive without header.json is no log of Inspect")
            entries = [each for each in archive.infolist() if each.filename.startswith("samples/")]
            if any(each.filename.endswith("/sample.json") for each in entries):
                raise DataError(f"{label}: holds samples in chunks, which are not read here; {_CONVERT}")
            for entry in entries:
                where = f"{label}, {entry.filename}"
                yield where, json.loads(_content_of(archive, entry, data, where))
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(f"{label}: damaged archive ({error}); fetch it again") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{label}: a sample in it is not valid JSON ({error})") from None


def _content_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, data: bytes, where: str) -> bytes:
    if entry.file_size > _MOST_BYTES:
        raise DataError(f"{where}: {entry.file_size} bytes are too many for one sample")
    if entry.compress_type != _ZSTANDARD:
        try:
            return archive.read(entry)
        except (NotImplementedError, RuntimeError) as error:
            raise DataError(f"{where}: cannot be unpacked ({error}); {_CONVERT}") from None
    try:
        import zstandard
    except ImportError:
        raise DataError(f"{where}: packed with Zstandard; pip install zstandard, or {_CONVERT}") from None
    name, extra = struct.unpack("<HH", data[entry.header_offset + 26 : entry.header_offset + 30])
    start = entry.header_offset + 30 + name + extra
    packed = data[start : start + entry.compress_size]
    try:
        reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        return reader.read(_MOST_BYTES)
    except zstandard.ZstdError as error:
        raise DataError(f"{where}: damaged Zstandard data ({error}); fetch it again") from None


def _messages(fields: Fields) -> list[dict[str, Any]]:
    messages = fields.raw("messages")
    return [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []


def _final(fields: Fields) -> str:
    """What the model said last, where the sample keeps it apart from the conversation."""
    output = fields.raw("output")
    choices = output.get("choices") if isinstance(output, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    return _content(message) if isinstance(message, dict) else ""


def _content(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _resolved(text: str, attachments: dict[str, Any]) -> str:
    if text.startswith(_ATTACHMENT):
        found = attachments.get(text.removeprefix(_ATTACHMENT))
        return found if isinstance(found, str) else text
    return text


def _claimed(scores: Any) -> bool | None:
    """What the first scorer with a grade says."""
    for score in scores.values() if isinstance(scores, dict) else ():
        value = score.get("value") if isinstance(score, dict) else None
        if isinstance(value, str) and value in _GRADES:
            return _GRADES[value]
        if isinstance(value, bool | int | float) and not math.isnan(value):
            return value >= 1
    return None
