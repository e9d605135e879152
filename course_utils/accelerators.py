"""Where and how precisely PyTorch computes, by Hugging Face Accelerate."""

import contextlib

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

PRECISIONS = ("no", "bf16", "fp16", "fast")


def make_accelerator(precision="no", cpu=False):
    """Return Accelerate's `Accelerator`: device, precision, processes.

    Args:
        precision: "no" (float32), "bf16", "fp16", or "fast": "bf16", or
            "fp16" on a GPU that is too old for it (a T4).
        cpu: True to stay on the CPU even where there is a GPU.

    Raises:
        ValueError: unknown precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"unknown precision {precision!r}: choose one of "
            f"{', '.join(PRECISIONS)}"
        )
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    if precision == "fast":
        old = torch.cuda.is_available() and not cpu
        old = old and torch.cuda.get_device_capability() < (8, 0)
        precision = "fp16" if old else "bf16"
    # It keeps its first settings for good; a notebook may change its mind.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(mixed_precision=precision, cpu=cpu)


def kernels(accelerator):
    """On a CPU in bfloat16, keep to plain attention.

    The backward pass of PyTorch's fused kernel took 12 times as long there
    (measured with PyTorch 2.13); its result is the same.
    """
    slow = accelerator.device.type == "cpu"
    if slow and accelerator.mixed_precision == "bf16":
        return sdpa_kernel(SDPBackend.MATH)
    return contextlib.nullcontext()
