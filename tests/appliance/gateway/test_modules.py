"""Ours are made here; anybody else's runs in a worker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from alg.registry import SpecError
from alg.sip.correct import Sip
from appliance.gateway.modules import load
from appliance.gateway.workers.module import ForeignModule
from appliance.gateway.workers.workshop import Workshop
from tests.support.hostile import Hostile


def test_a_built_in_module_is_made_in_this_process() -> None:
    assert isinstance(load("sip", (), "sip", Workshop()), Sip)


def test_anybody_else_s_is_loaded_in_another_process(tmp_path: Path) -> None:
    """Nothing of its file is ever run here: it says who runs it."""
    spec = Hostile(made="self.name = str(os.getpid())").write(tmp_path)
    module = load(spec, (), "sip", Workshop())
    assert isinstance(module, ForeignModule)
    assert int(module.name) > 0
    assert module.application == "sip"
    assert int(module.name) != os.getpid()


def test_what_names_nothing_is_one_sentence() -> None:
    with pytest.raises(SpecError, match="did you mean 'sip'"):
        load("sib", (), "sip", Workshop())
