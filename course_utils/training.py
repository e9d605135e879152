"""One training loop for the lessons in PyTorch: readable and resumable.

Every step draws its random numbers from (seed, step), so a training that
was interrupted and resumed gives the same result as one that was not.
Hugging Face Accelerate chooses the device and the precision.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from course_utils.accelerators import kernels, make_accelerator
from course_utils.files import write_at_once
from course_utils.interruptions import stop_on_sigint
from course_utils.schedules import average_into, cosine

__all__ = [
    "CheckpointError",
    "Training",
    "average_into",
    "cosine",
    "make_accelerator",
]

SAVE_EVERY = 200  # steps between two checkpoints
SEED_STRIDE = 1_000_003  # a prime: seeds of two trainings hardly ever meet


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the text says why and what to do."""


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
    batch: how many pictures `loss_at` takes a step, if that is to be named
        when memory runs out, or None.

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
    batch: int | None = None
    losses: list = field(default_factory=list)
    notes: dict = field(default_factory=dict)

    def __post_init__(self):
        for name, value, least in (
            ("steps", self.steps, 1),
            ("seed", self.seed, 0),
            ("batch", 1 if self.batch is None else self.batch, 1),
        ):
            if not isinstance(value, int) or not least <= value < 2**32:
                raise ValueError(
                    f"{name} must be a whole number from {least} to "
                    f"2**32 - 1, got {value!r}"
                )
        # Prepared, it undoes the scaling that float16 needs before it steps.
        self.optimizer = self.accelerator.prepare(self.optimizer)

    @property
    def done(self):
        """Number of steps done."""
        return len(self.losses)

    def run(
        self, label="training", *, watch=None, watch_every=None, path=None
    ):
        """Train to the end, or go on from a checkpoint.

        A learner's interruption lets the step in hand finish and saves;
        calling `run` again with the same path goes on. A second one stops
        at once.

        Args:
            label: text of the progress bar.
            watch: `watch()` returns numbers to note (also in a tuple, list
                or dict): before the first step, every `watch_every` steps,
                and at the end.
            watch_every: number of steps, or None for start and end only.
            path: file to save to and to resume from, or None.

        Raises:
            CheckpointError: the file is damaged or of another training.
            FloatingPointError: the loss or a gradient is no number.
            KeyboardInterrupt: stopped by the learner; all is saved.
            torch.OutOfMemoryError: the GPU's memory is full; the text says
                which batch to try.
            TypeError: `watch` returned something else than numbers.
        """
        from course_utils.progress_bar import ProgressBar

        if path is not None and Path(path).exists() and not self.done:
            self.load(path)
            print(f"going on after {self.done} of {self.steps} steps")
        self._look(watch, watch_every)
        with ProgressBar(label, self.steps) as bar, stop_on_sigint() as stop:
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
            again = "run this cell again to go on" if path else "not saved"
            raise KeyboardInterrupt(
                f"stopped after {self.done} of {self.steps} steps; {again}"
            )

    def _step(self):
        try:
            return self._move()
        except torch.OutOfMemoryError as error:
            said = str(error).partition(". ")[0]
        # Raised out here: `error` would keep alive what fills the memory.
        raise torch.OutOfMemoryError(self._too_large(said))

    def _too_large(self, said):
        text = f"out of memory at step {self.done}"
        if self.batch is None:
            return f"{text}: try half as large a batch ({said})"
        text += f" with batches of {self.batch}"
        if self.batch == 1:
            return f"{text}: try smaller pictures or a smaller net ({said})"
        return f"{text}: try batch={self.batch // 2} ({said})"

    def _move(self):
        step = self.done
        torch.manual_seed(self.seed * SEED_STRIDE + step)
        if self.schedule is not None:
            self._set(self.schedule(step))
        with kernels(self.accelerator), self.accelerator.autocast():
            loss = self.loss_at(step)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {step}{self._rate()}: "
                "lower the learning rate, or clip the gradients"
            )
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        self._clip(step)
        self.optimizer.step()
        if self.after_step is not None:
            self.after_step(step)
        self.losses.append(loss.item())
        return self.losses[-1]

    def _clip(self, step):
        groups = self.optimizer.param_groups
        parameters = [p for group in groups for p in group["params"]]
        most = float("inf") if self.clip is None else self.clip
        norm = self.accelerator.clip_grad_norm_(parameters, most)
        # In float16 an overflow is foreseen: that step is left out.
        foreseen = self.accelerator.mixed_precision == "fp16"
        if norm is not None and not norm.isfinite() and not foreseen:
            raise FloatingPointError(
                f"a gradient is no number at step {step}{self._rate()}: lower "
                "the learning rate, or look for a division by zero"
            )

    def _rate(self):
        rates = [g["lr"] for g in self.optimizer.param_groups if "lr" in g]
        return f", learning rate {max(rates):.3g}" if rates else ""

    def _set(self, values):
        for group in self.optimizer.param_groups:
            fixed = group.get("fixed", ())
            for name, value in values.items():
                if name not in fixed:
                    group[name] = float(value)

    def _look(self, watch, every):
        due = self.done in (0, self.steps) or (every and not self.done % every)
        if watch is not None and due and self.done not in self.notes:
            self.notes[self.done] = _plain(watch())

    def _kind(self):
        """What a checkpoint must agree on before it is loaded."""
        groups = self.optimizer.param_groups
        bare = getattr(self.optimizer, "optimizer", self.optimizer)
        return {
            "steps": self.steps,
            "seed": self.seed,
            "method": type(bare).__name__,
            "groups": [len(group["params"]) for group in groups],
        }

    def save(self, path):
        """Write a checkpoint in one step: it is whole or it is not there."""
        state = {
            **self._kind(),
            "losses": self.losses,
            "notes": self.notes,
            "modules": {k: m.state_dict() for k, m in self.modules.items()},
            "optimizer": self.optimizer.state_dict(),
        }
        content = io.BytesIO()
        torch.save(state, content)
        write_at_once(path, content.getvalue())

    def load(self, path):
        """Read a checkpoint; no code in it is ever executed.

        Raises:
            CheckpointError: damaged, of another training, or not ours.
        """
        advice = f"delete {path} to start afresh"
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            told = {name: state[name] for name in self._kind()}
            losses, notes = list(state["losses"]), dict(state["notes"])
            modules, optimizer = state["modules"], state["optimizer"]
        except Exception as error:  # whatever a broken file may raise
            raise CheckpointError(
                f"{path} cannot be read as a checkpoint "
                f"({type(error).__name__}); {advice}"
            ) from error
        asked = self._kind()
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


def _plain(value):
    """Return numbers as Python's own: others are not read back safely."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy's and PyTorch's numbers, arrays
        return value.tolist()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"watch returned {type(value).__name__}: return numbers or texts, "
        "alone or in a tuple, list or dict"
    )


def _shapes(state):
    return {name: tensor.shape for name, tensor in state.items()}
