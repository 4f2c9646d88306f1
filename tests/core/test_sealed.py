from __future__ import annotations

import copy
import json
import pickle

import pytest

from banchu.core.sealed import SealedTests, TestSuite, unseal

SECRET = "the-hidden-answer"
SUITE = TestSuite(check=f"assert candidate() == {SECRET!r}", entry_point="f", context="", reference=f"# {SECRET}")
SEALED = SealedTests(SUITE)


def test_unseal_opens() -> None:
    assert unseal(SEALED) == SUITE


@pytest.mark.parametrize("show", [repr, str, lambda s: "%s" % s, lambda s: repr(vars(type(s)))])  # noqa: UP031
def test_no_text_of_it_shows_what_is_inside(show) -> None:  # type: ignore[no-untyped-def]
    assert SECRET not in show(SEALED)


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, lambda s: f"{s}"])
def test_it_cannot_be_copied_or_serialised_or_formatted(leak) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError):
        leak(SEALED)


def test_equal_tests_have_equal_digests_and_others_do_not() -> None:
    assert SealedTests(SUITE).digest == SEALED.digest
    other = TestSuite(check="assert True", entry_point="f", context="", reference="")
    assert SealedTests(other).digest != SEALED.digest
