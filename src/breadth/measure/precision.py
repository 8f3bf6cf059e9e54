"""In which number format the body of a probe computes: single precision, or a shorter one for speed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

import torch

from breadth.errors import MeasureError, unknown_name

__all__ = ["Precision", "computing"]

Precision = Literal["float32", "bf16", "tf32"]


@contextmanager
def computing(precision: Precision, device: torch.device) -> Iterator[None]:
    """Inside, bodies on ``device`` run in ``precision``; the settings of torch are as before afterwards.

    "float32": the type of weights and inputs as they are; "bf16": torch's autocast, convolutions and products with 8 significant
    bits; "tf32": the same with 11 bits, CUDA only. Raises MeasureError for another name and for "tf32" elsewhere.
    """
    if precision not in get_args(Precision):
        raise MeasureError(unknown_name("precision", precision, get_args(Precision)))
    if precision == "bf16":
        with torch.autocast(device.type, torch.bfloat16):
            yield
    elif precision == "tf32":
        if device.type != "cuda":
            raise MeasureError(
                f"precision 'tf32' was asked for on '{device.type}'; expected a CUDA device: use 'float32' or 'bf16'"
            )
        matmul, conv = torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]
        before = matmul.fp32_precision, conv.fp32_precision
        try:
            matmul.fp32_precision = conv.fp32_precision = "tf32"
            yield
        finally:
            matmul.fp32_precision, conv.fp32_precision = before
    else:
        yield
