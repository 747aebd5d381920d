"""From a request to a derivation: which case it is."""

from __future__ import annotations

from typing import Any

from pminusy.derivation.assemble import assembled
from pminusy.derivation.derivation import Derivation
from pminusy.derivation.given import given
from pminusy.derivation.masks import mask_of
from pminusy.derivation.request import Request
from pminusy.derivation.setup import class_names, setup_of, target_of

__all__ = ["derivation_of", "derive"]


def derive(**asked: Any) -> Derivation:
    """Derivation of what is asked in the fields of `Request`."""
    return derivation_of(Request(**asked))


def derivation_of(asked: Request) -> Derivation:
    """Derivation for one sample, for a batch and one of its rows, or for a network."""
    if asked.network is not None:
        from pminusy.derivation.build_network import derive_network

        return derive_network(asked)
    found = given(asked)
    if found.batch:
        from pminusy.derivation.build_batch import derive_batch

        return derive_batch(asked, found)
    target, c = target_of(asked.y, class_names(asked, found.K), asked.ignore_index)
    mask = mask_of(asked, found, target, c, asked.options)
    if mask is not None:
        return assembled(asked, mask.setup(), mask)
    return assembled(asked, setup_of(asked, found, target, c, asked.options))
