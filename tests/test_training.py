"""The training loop: its arithmetic, interruptions, and broken files."""

import gc
import os
import pickle
import signal
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.training import (
    CheckpointError,
    Training,
    average_into,
    cosine,
    make_accelerator,
)

STEPS = 7


def make(
    steps=STEPS, seed=3, width=4, method=torch.optim.AdamW, groups=1, **options
):
    """A tiny regression on random inputs, with an averaged twin."""
    torch.manual_seed(0)
    model = nn.Linear(width, 2)
    average = nn.Linear(width, 2).requires_grad_(False)

    parameters = list(model.parameters())
    if groups == 2:
        parameters = [{"params": [p]} for p in parameters]

    def loss_at(step):
        inputs = torch.randn(8, width)
        return (model(inputs) - inputs[:, :2]).square().mean()

    return Training(
        loss_at=loss_at,
        modules={"model": model, "average": average},
        optimizer=method(parameters, lr=0.1),
        steps=steps,
        accelerator=make_accelerator(cpu=True),
        seed=seed,
        after_step=lambda step: average_into(average, model, 0.5),
        **options,
    )


def state(training):
    return {
        f"{name}.{key}": value.clone()
        for name, module in training.modules.items()
        for key, value in module.state_dict().items()
    }


def assert_same(one, other):
    assert one.losses == other.losses
    for key, value in state(one).items():
        assert torch.equal(value, state(other)[key]), key


@pytest.fixture(scope="module")
def whole():
    training = make()
    training.run()
    return training


def test_it_learns_and_counts(whole):
    assert whole.done == STEPS
    assert whole.losses[-1] < whole.losses[0]


def test_the_seed_decides(whole):
    again, other = make(), make(seed=4)
    again.run()
    other.run()
    assert_same(whole, again)
    assert whole.losses != other.losses


def interrupted_at(step, path):
    """Train with an interruption by the learner in the middle of a step."""
    training = make()
    training.undisturbed = training.loss_at

    def loss_at(at):
        if at == step:
            os.kill(os.getpid(), signal.SIGINT)
        return training.undisturbed(at)

    training.loss_at = loss_at
    with pytest.raises(KeyboardInterrupt, match="stopped after"):
        training.run(path=path)
    return training


def test_interrupted_and_resumed_is_as_if_nothing_had_been(
    whole, tmp_path, capsys
):
    path = tmp_path / "folder" / "checkpoint"
    stopped = interrupted_at(2, path)
    assert stopped.done == 3
    resumed = make()
    resumed.run(path=path)
    assert "going on after 3 of 7 steps" in capsys.readouterr().out
    assert_same(whole, resumed)
    assert [p.name for p in path.parent.iterdir()] == ["checkpoint"]


def test_without_a_file_the_same_object_goes_on(whole):
    stopped = interrupted_at(4, path=None)
    assert stopped.done == 5
    stopped.loss_at = stopped.undisturbed
    stopped.run()
    assert_same(whole, stopped)


def test_ctrl_c_works_again_afterwards(whole):
    before = signal.getsignal(signal.SIGINT)
    make().run()
    assert signal.getsignal(signal.SIGINT) is before


def test_watching_disturbs_nothing(whole):
    watched = make()
    seen = []

    def watch():
        seen.append(torch.rand(5))  # draws random numbers of its own
        return watched.done, np.float64(0.5)

    watched.run(watch=watch, watch_every=3)
    assert watched.notes == {
        0: [0, 0.5],
        3: [3, 0.5],
        6: [6, 0.5],
        7: [7, 0.5],
    }
    assert_same(whole, watched)


def test_notes_survive_an_interruption(tmp_path):
    path = tmp_path / "checkpoint"
    stopped = make()
    stopped.steps = STEPS
    stopped.run(watch=lambda: "seen", path=path)
    loaded = make()
    loaded.load(path)
    assert loaded.notes == {0: "seen", STEPS: "seen"}


def test_a_schedule_sets_all_groups_but_what_is_fixed():
    training = make(schedule=lambda step: {"lr": step, "weight_decay": 0.5})
    weight, bias = training.modules["model"].parameters()
    training.optimizer = torch.optim.AdamW(
        [
            {"params": [weight]},
            {"params": [bias], "weight_decay": 0, "fixed": ("weight_decay",)},
        ]
    )
    training.run()
    decays = [g["weight_decay"] for g in training.optimizer.param_groups]
    assert decays == [0.5, 0]
    assert [g["lr"] for g in training.optimizer.param_groups] == [6, 6]


def test_clipping_limits_the_step():
    def moved(clip):
        training = make(steps=1, clip=clip)
        model = training.modules["model"]
        before = model.weight.detach().clone()
        training.optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        training.run()
        return (model.weight.detach() - before).norm().item()

    assert moved(1e-3) <= 1e-3 + 1e-6
    assert moved(None) > 1e-2


def test_a_loss_that_is_no_number_stops_before_it_harms(tmp_path):
    training = make()
    before = state(training)
    training.loss_at = lambda step: torch.tensor(float("nan"))
    said = "nan at step 0, learning rate 0.1: lower the learning rate"
    with pytest.raises(FloatingPointError, match=said):
        training.run(path=tmp_path / "checkpoint")
    assert all(torch.equal(v, before[k]) for k, v in state(training).items())


def test_a_gradient_that_is_no_number_stops_before_it_harms():
    training = make()
    weight = training.modules["model"].weight
    before = state(training)
    training.loss_at = lambda step: (weight - weight).abs().sqrt().sum()
    said = "a gradient is no number at step 0, learning rate 0.1: lower"
    with pytest.raises(FloatingPointError, match=said):
        training.run()
    assert all(torch.equal(v, before[k]) for k, v in state(training).items())


def test_the_rate_named_is_the_schedule_s_and_the_largest_or_none():
    training = make(groups=2, schedule=lambda step: {"lr": 0.5 / (step + 1)})
    weight, loss_at = training.modules["model"].weight, training.loss_at
    training.optimizer.param_groups[0].update(lr=0.75, fixed=("lr",))
    training.loss_at = lambda step: loss_at(step) * (torch.inf if step else 1)
    with pytest.raises(FloatingPointError, match="step 1, learning rate 0.75"):
        training.run()
    for group in training.optimizer.param_groups:
        del group["lr"]
    training.schedule = None
    with pytest.raises(FloatingPointError, match="is inf at step 1: lower"):
        training.run()
    assert weight.isfinite().all()


@pytest.mark.parametrize("when", ["forward", "backward", "after"])
def test_a_full_gpu_is_named_wherever_it_runs_full(when, tmp_path):
    def fills(*_):
        raise torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ..."
        )

    training = make()
    weight = training.modules["model"].weight
    if when == "forward":
        training.loss_at = fills
    if when == "backward":
        weight.register_hook(fills)
    if when == "after":
        training.after_step = fills
    said = "^out of memory at step 0: try half as large a batch .CUDA out of m"
    with pytest.raises(torch.OutOfMemoryError, match=said):
        training.run(path=tmp_path / "checkpoint")
    assert training.done == 0
    assert not list(tmp_path.iterdir())


def test_after_a_full_gpu_the_memory_is_given_back():
    training = make()

    class Large:
        pass

    kept = []

    def fills(step):
        large = Large()  # what stands for activations
        kept.append(weakref.ref(large))
        raise torch.OutOfMemoryError("CUDA out of memory.")

    training.loss_at = fills
    with pytest.raises(torch.OutOfMemoryError) as caught:
        training.run()
    assert caught.value is not None  # held, as a notebook does
    gc.collect()
    assert kept[0]() is None


def test_a_second_ctrl_c_stops_at_once():
    training = make()

    def hangs(step):
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("went on")

    training.loss_at = hangs
    with pytest.raises(KeyboardInterrupt):
        training.run()


def test_what_could_not_be_read_back_is_refused_at_the_start():
    training = make()
    with pytest.raises(TypeError, match="watch returned object"):
        training.run(watch=object)
    assert training.done == 0


@pytest.mark.parametrize(
    "options",
    [{"steps": 0}, {"seed": -1}, {"seed": 1.5}, {"batch": 0}, {"batch": 8.0}],
)
def test_numbers_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="whole number"):
        make(**options)


def test_float16_is_unscaled_before_it_is_clipped_or_applied():
    class Scaled:
        """Accelerate on a GPU in float16: gradients 1,000 times too large."""

        def __init__(self, inner):
            self.inner, self.seen = inner, []

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def prepare(self, optimizer):
            self.seen.append(optimizer)
            return self.inner.prepare(optimizer)

    accelerator = Scaled(make_accelerator(cpu=True))
    plain = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    training = Training(
        loss_at=None,
        modules={},
        optimizer=plain,
        steps=1,
        accelerator=accelerator,
    )
    assert accelerator.seen == [plain]
    assert training.optimizer is not plain  # the one that unscales


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    path, trace = tmp_path / "checkpoint", tmp_path / "trace"
    path.write_bytes(pickle.dumps(Trap(trace), protocol=2))
    with pytest.raises(CheckpointError, match="start afresh"):
        make().run(path=path)
    assert not trace.exists()


def test_half_a_checkpoint_is_refused(whole, tmp_path):
    path = tmp_path / "checkpoint"
    whole.save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="cannot be read"):
        make().run(path=path)


@pytest.mark.parametrize(
    "options, said",
    [
        ({"steps": 8}, "another training"),
        ({"seed": 9}, "another training"),
        ({"width": 5}, "other shapes"),
        ({"method": torch.optim.SGD}, "another training"),
        ({"groups": 2}, "another training"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(
    whole, tmp_path, options, said
):
    path = tmp_path / "checkpoint"
    whole.save(path)
    training = make(**options)
    before = state(training)
    with pytest.raises(CheckpointError, match=said):
        training.run(path=path)
    assert training.done == 0
    assert all(torch.equal(before[k], v) for k, v in state(training).items())


def test_cosine_falls_from_start_to_end():
    assert cosine(2.0, 0.5, 15, 10) == 0.5
    values = [cosine(2.0, 0.5, step, 10) for step in range(11)]
    assert values[0] == 2.0
    assert values[5] == pytest.approx(1.25)
    assert values[10] == pytest.approx(0.5)
    assert values == sorted(values, reverse=True)


def test_average_moves_a_share_of_the_way():
    slow, fast = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    nn.init.constant_(fast.weight, 3.0)
    fast.running_mean += 7
    average_into(slow, fast, 0.75)
    assert slow.weight.tolist() == [1.5, 1.5]  # 0.75 * 1 + 0.25 * 3
    assert slow.running_mean.tolist() == [7, 7]


def test_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="unknown precision 'half'"):
        make_accelerator("half")


def test_bfloat16_is_used_where_asked():
    seen = []
    training = make()
    model = training.modules["model"]
    training.accelerator = make_accelerator("fast", cpu=True)
    model.register_forward_hook(lambda m, i, out: seen.append(out.dtype))
    training.run()
    assert set(seen) == {torch.bfloat16}
