from __future__ import annotations

import pickle

import pytest

from banchu.core import errors
from banchu.core.errors import BanchuError, ModelError, unknown

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BanchuError)]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_survives_pickle(kind: type[BanchuError]) -> None:
    again = pickle.loads(pickle.dumps(kind("what happened")))
    assert type(again) is kind
    assert str(again) == "what happened"


def test_a_model_error_keeps_its_fields_in_pickle() -> None:
    again = pickle.loads(pickle.dumps(ModelError("no", retryable=True, status=503, fatal=True)))
    assert (again.retryable, again.status, again.fatal) == (True, 503, True)


@pytest.mark.parametrize("kind", ALL)
def test_the_tree_in_the_docstring_is_the_tree(kind: type[BanchuError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


def test_classes_of_errors_have_their_own_exit_codes() -> None:
    tops = [kind for kind in ALL if kind.__bases__ == (BanchuError,)]
    codes = {kind.exit_code for kind in tops}
    assert len(codes) == len(tops)
    assert not codes & {0, 1, 130}


def test_an_unknown_name_shows_the_nearest() -> None:
    assert str(unknown("model", "smolm2", ["smollm2", "openai"])) == (
        "unknown model 'smolm2'. Did you mean 'smollm2'? Known: openai, smollm2."
    )
