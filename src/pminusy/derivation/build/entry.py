"""From a request to a derivation: which case it is."""

from __future__ import annotations

from typing import Any

from pminusy.derivation.build.assemble import assembled
from pminusy.derivation.head.masks import mask_of
from pminusy.derivation.head.setup import sample_of
from pminusy.derivation.input.logit_source import logit_source
from pminusy.derivation.input.request import Request, request_of
from pminusy.derivation.input.targets import sample_target
from pminusy.derivation.steps.derivation import Derivation

__all__ = ["derivation_of", "derive"]


def derive(**request: Any) -> Derivation:
    """Derivation of what is asked in the fields of `Request` and the options of the loss."""
    return derivation_of(request_of(**request))


def derivation_of(request: Request) -> Derivation:
    """Derivation for one sample, for a batch and one of its rows, or for a network."""
    if request.article is not None:
        from pminusy.derivation.build.article import derive_article

        return derive_article(request)
    if request.network is not None:
        from pminusy.derivation.build.network import derive_network

        return derive_network(request)
    source = logit_source(request)
    if source.batch:
        from pminusy.derivation.build.batch import derive_batch

        return derive_batch(request, source)
    target, c = sample_target(request, source.K)
    mask = mask_of(request, source, target, c, request.options)
    if mask is not None:
        return assembled(request, mask.sample(), mask)
    return assembled(request, sample_of(request, source, target, c, request.options))
