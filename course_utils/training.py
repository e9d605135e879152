"""One training loop for the lessons in PyTorch: readable and resumable.

Every step draws its random numbers from (seed, step), so a training that
was interrupted and resumed gives the same result as one that was not.
Hugging Face Accelerate chooses the device and the precision.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

SAVE_EVERY = 200  # steps between two checkpoints
PRECISIONS = ("no", "bf16", "fp16", "fast")
SEED_STRIDE = 1_000_003  # a prime: seeds of two trainings hardly ever meet


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the text says why and what to do."""


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


@dataclass(kw_only=True)
class Training:
    """A training that can be watched, interrupted and resumed.

    loss_at: `loss_at(step)` returns a scalar loss; steps count from 0.
        Torch's random numbers are seeded before each call.
    modules: dict from name to `nn.Module`: everything a checkpoint must
        hold, what gets no gradient included.
    optimizer: a torch optimizer.
    steps: number of steps of the whole training.
    accelerator: see `make_accelerator`.
    seed: whole number, 0 or more.
    schedule: `schedule(step)` returns what to set in the optimizer's
        groups, for example {"lr": 0.001}; a group with the key "fixed" (a
        tuple of names) keeps those. None: nothing changes.
    clip: largest norm of all gradients together, or None.
    after_step: called with the step once the weights have moved, for
        example to average them.

    losses: one float for each step done.
    notes: dict from number of steps done to what `watch` returned.

    Used in week 3's bonus notebook and later.
    """

    loss_at: Callable
    modules: dict
    optimizer: torch.optim.Optimizer
    steps: int
    accelerator: Any
    seed: int = 0
    schedule: Callable | None = None
    clip: float | None = None
    after_step: Callable | None = None
    losses: list = field(default_factory=list)
    notes: dict = field(default_factory=dict)

    @property
    def done(self):
        """Number of steps done."""
        return len(self.losses)

    def run(
        self, label="training", *, watch=None, watch_every=None, path=None
    ):
        """Train to the end, or go on from a checkpoint.

        A learner's interruption lets the step in hand finish, saves, and
        returns; calling `run` again goes on.

        Args:
            label: text of the progress bar.
            watch: `watch()` returns something to note: before the first
                step, every `watch_every` steps, and at the end.
            watch_every: number of steps, or None for start and end only.
            path: file to save to and to resume from, or None.

        Raises:
            CheckpointError: the file is damaged or of another training.
            FloatingPointError: the loss is no longer a number.
        """
        from course_utils.progress_bar import ProgressBar

        if path is not None and Path(path).exists() and not self.done:
            self.load(path)
        self._look(watch, watch_every)
        with ProgressBar(label, self.steps) as bar, _stop_on_sigint() as stop:
            bar.update(self.done)
            while self.done < self.steps and not stop:
                loss = self._step()
                self._look(watch, watch_every)
                bar.update(1, f"loss {loss:.3f}")
                if path is not None and self.done % SAVE_EVERY == 0:
                    self.save(path)
        if path is not None:
            self.save(path)
        if self.done < self.steps:
            print(
                f"stopped after {self.done} of {self.steps} steps; "
                "run this cell again to go on"
            )

    def _step(self):
        step = self.done
        torch.manual_seed(self.seed * SEED_STRIDE + step)
        if self.schedule is not None:
            self._set(self.schedule(step))
        with _kernels(self.accelerator), self.accelerator.autocast():
            loss = self.loss_at(step)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {step}: lower the "
                "learning rate, or clip the gradients"
            )
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        if self.clip is not None:
            groups = self.optimizer.param_groups
            parameters = [p for group in groups for p in group["params"]]
            self.accelerator.clip_grad_norm_(parameters, self.clip)
        self.optimizer.step()
        if self.after_step is not None:
            self.after_step(step)
        self.losses.append(loss.item())
        return self.losses[-1]

    def _set(self, values):
        for group in self.optimizer.param_groups:
            fixed = group.get("fixed", ())
            group.update({k: v for k, v in values.items() if k not in fixed})

    def _look(self, watch, every):
        due = self.done in (0, self.steps) or (every and not self.done % every)
        if watch is not None and due and self.done not in self.notes:
            self.notes[self.done] = watch()

    def save(self, path):
        """Write a checkpoint in one step: it is whole or it is not there."""
        state = {
            "steps": self.steps,
            "seed": self.seed,
            "losses": self.losses,
            "notes": self.notes,
            "modules": {k: m.state_dict() for k, m in self.modules.items()},
            "optimizer": self.optimizer.state_dict(),
        }
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        torch.save(state, unfinished)
        os.replace(unfinished, path)

    def load(self, path):
        """Read a checkpoint; no code in it is ever executed.

        Raises:
            CheckpointError: damaged, of another training, or not ours.
        """
        advice = f"delete {path} to start afresh"
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            told = {name: state[name] for name in ("steps", "seed")}
            losses, notes = list(state["losses"]), dict(state["notes"])
            modules, optimizer = state["modules"], state["optimizer"]
        except Exception as error:  # whatever a broken file may raise
            raise CheckpointError(
                f"{path} cannot be read as a checkpoint "
                f"({type(error).__name__}); {advice}"
            ) from error
        asked = {"steps": self.steps, "seed": self.seed}
        if told != asked or set(modules) != set(self.modules):
            raise CheckpointError(
                f"{path} is of another training ({told}, with "
                f"{', '.join(modules)}; asked for {asked}, with "
                f"{', '.join(self.modules)}); {advice}"
            )
        for name, module in self.modules.items():
            if _shapes(module.state_dict()) != _shapes(modules[name]):
                raise CheckpointError(
                    f"{path}: {name} has other shapes than here; {advice}"
                )
        for name, module in self.modules.items():
            module.load_state_dict(modules[name])
        self.optimizer.load_state_dict(optimizer)
        self.losses, self.notes = losses, notes


def _shapes(state):
    return {name: tensor.shape for name, tensor in state.items()}


def cosine(start, end, step, steps):
    """Return the value at `step` of half a cosine from `start` to `end`.

    step 0 gives `start`, step `steps` gives `end`; Loshchilov and Hutter,
    "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), eq. 5.
    """
    wave = torch.tensor(torch.pi * step / steps, dtype=torch.float64).cos()
    return end + (start - end) * (1 + wave.item()) / 2


@torch.no_grad()
def average_into(average, module, momentum):
    """Move `average` a little towards `module`, parameter by parameter.

    ``average = momentum * average + (1 - momentum) * module``. Buffers are
    copied.
    """
    pairs = zip(average.parameters(), module.parameters(), strict=True)
    for slow, fast in pairs:
        slow.lerp_(fast, 1 - momentum)
    for slow, fast in zip(average.buffers(), module.buffers(), strict=True):
        slow.copy_(fast)


@contextlib.contextmanager
def _stop_on_sigint():
    """Yield a list that is filled when the learner interrupts the kernel."""
    asked = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGINT, lambda *_: asked.append(True))
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _kernels(accelerator):
    """On a CPU in bfloat16, keep to plain attention.

    The backward pass of PyTorch's fused kernel took 12 times as long there
    (measured with PyTorch 2.13); its result is the same.
    """
    slow = accelerator.device.type == "cpu"
    if slow and accelerator.mixed_precision == "bf16":
        return sdpa_kernel(SDPBackend.MATH)
    return contextlib.nullcontext()
