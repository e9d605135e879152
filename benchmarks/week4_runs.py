"""Make the runs that week 4 ships in data/week4_runs.npz.

    python benchmarks/week4_runs.py

What stands in the U-Net's slot, seven ways, three seeds each, as
regression; two of them as diffusion; readers of a reference; and the
shipped network's samples by number of steps. Finished runs are kept in
--parts, so that an interrupted call goes on; together they take about an
hour on one core. Numbers differ a little from machine to machine.
"""

import argparse
import io
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from course_utils import reference, sr_scores, sr_weights  # noqa: E402
from course_utils import super_resolution as sr  # noqa: E402
from course_utils.crops import crops  # noqa: E402
from course_utils.files import write_at_once  # noqa: E402
from course_utils.pictures import as_tensor  # noqa: E402
from course_utils.sr_training import sr_training  # noqa: E402
from course_utils.training import make_accelerator  # noqa: E402
from course_utils.unet import UNet, multiplications  # noqa: E402

SEEDS = range(3)
STEPS = 400
DIFFUSION_STEPS = 300
REFERENCE_STEPS = 1000
UNET_STEPS = 400  # each takes twenty times as long
# What stands in the slot, and how strong it is at the start (gamma).
SLOTS = {
    "perceptron (control)": ({"mixer": "perceptron"}, 1),
    "attention, 1 head": ({"mixer": "attention", "num_heads": 1}, 1),
    "attention, 4 heads": ({"mixer": "attention"}, 1),
    "4 heads, gamma from 0": ({"mixer": "attention"}, 0),
    "4 heads, 16x16 too": ({"mixer": "attention", "everywhere": True}, 1),
    "linear attention": ({"mixer": "linear"}, 1),
    "cross-attention": ({"mixer": "cross"}, 1),
}
DIFFUSED = ("perceptron (control)", "attention, 4 heads")
READERS = (*reference.HIDDEN, "U-Net")
COUNTS = (1, 2, 5, 10, 25, 50, 100, 250, 1000)


def train_images():
    images = crops(20_000, split="train", seed=0).images
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def test_pictures(count):
    return as_tensor(crops(count, split="test", seed=1).images)


def make_slot(name, in_channels, seed):
    """Return an untrained network with one of `SLOTS`."""
    options, gamma = SLOTS[name]
    torch.manual_seed(seed)
    net = UNet(in_channels, sr_weights.WIDTHS, **options)
    with torch.no_grad():
        for name, value in net.named_parameters():
            if name.endswith("gamma"):
                value.fill_(gamma)
    return net


def regression_run(name, seed):
    """Train one network; return its losses and scores."""
    net = make_slot(name, 3, seed)
    inputs = torch.zeros(1, 3, 32, 32), torch.zeros(1, dtype=torch.long)
    size = [sum(p.numel() for p in net.parameters())]
    size.append(multiplications(net, *inputs))
    training, average = sr_training(
        net, train_images(), steps=STEPS, accelerator=make_accelerator("bf16"),
        rate=2e-3, seed=seed,
    )  # fmt: skip
    training.run()
    truth = test_pictures(400)
    found = sr.regress(average, sr.reduce(truth))
    return {
        "losses": training.losses,
        "psnr": sr_scores.psnr(found, truth),
        "ssim": sr_scores.ssim(found, truth),
        "size": size,
        "gamma": average.mix2.gamma.item(),
    }


def diffusion_run(name, seed):
    """Train one network; return its losses and scores of its samples."""
    net = make_slot(name, 6, seed)
    diffusion = sr_weights.standard_diffusion()
    training, average = sr_training(
        net, train_images(), steps=DIFFUSION_STEPS,
        accelerator=make_accelerator("bf16"), diffusion=diffusion,
        rate=2e-3, seed=seed,
    )  # fmt: skip
    training.run()
    truth = test_pictures(100)
    low = sr.reduce(truth)
    samples = torch.stack(
        [sr.super_resolve(average, diffusion, low, seed=s) for s in range(4)]
    )
    return {
        "losses": training.losses,
        "one": sr_scores.psnr(samples[0], truth),
        "mean": sr_scores.psnr(samples.mean(dim=0), truth),
        "sharpness": sr_scores.sharpness(samples[0], truth),
    }


class SeesBoth(torch.nn.Module):
    """The U-Net, with the reference as three more channels."""

    def __init__(self):
        super().__init__()
        self.net = UNet(6, sr_weights.WIDTHS, "perceptron")

    def forward(self, low, picture):
        coarse = sr.enlarge(low)
        both = torch.cat([2 * picture - 1, 2 * coarse - 1], dim=1)
        start = torch.zeros(len(low), dtype=torch.long)
        return coarse + sr.RESIDUAL * self.net(both, start)


def reference_run(kind, seed):
    """Train one reader of a reference; return scores and hits."""
    torch.manual_seed(seed)
    sees_both = kind == "U-Net"
    net = SeesBoth() if sees_both else reference.Reader(kind)
    steps = UNET_STEPS if sees_both else REFERENCE_STEPS
    reference.train_reader(net, train_images()[:5000], steps)
    truth = test_pictures(400)
    generator = torch.Generator().manual_seed(0)
    moved, places = reference.shuffled(truth, generator)
    low = sr.reduce(truth)
    with torch.no_grad():
        answer = {"psnr": sr_scores.psnr(net(low, moved), truth)}
        if kind == "attention":
            chosen = net.weights(low, moved)[:, 0].argmax(dim=-1)
            answer["hits"] = (chosen == places).numpy()
    return answer


def sampler_run(method, count):
    """Return the scores of the shipped network's samples."""
    net, _ = sr_weights.load_net("attention")
    truth = test_pictures(100)
    found = sr.super_resolve(
        net, sr_weights.standard_diffusion(), sr.reduce(truth), seed=0,
        steps=count, method=method,
    )  # fmt: skip
    return {
        "psnr": sr_scores.psnr(found, truth),
        "sharpness": sr_scores.sharpness(found, truth),
    }


GROUPS = {
    "regression": (regression_run, [(n, s) for n in SLOTS for s in SEEDS]),
    "diffusion": (diffusion_run, [(n, s) for n in DIFFUSED for s in SEEDS]),
    "reference": (reference_run, [(n, s) for n in READERS for s in SEEDS]),
    "sampler": (
        sampler_run, [(m, n) for m in ("ddim", "ddpm") for n in COUNTS]
    ),
}  # fmt: skip


def run_group(group, parts):
    """Return the runs of a group, a list of dicts, from parts or anew."""
    function, cases = GROUPS[group]
    runs = []
    for i, case in enumerate(cases):
        part = parts / f"{group}_{i}.npz"
        if not part.exists():
            content = io.BytesIO()
            np.savez(content, **function(*case))
            write_at_once(part, content.getvalue())
        with np.load(part) as stored:
            runs.append(dict(stored))
        shown = {k: v.mean() for k, v in runs[-1].items() if k != "losses"}
        print(group, *case, shown, flush=True)
    return runs


def collect(groups, parts):
    """Return all arrays: "group_key", one row for each case."""
    arrays = {}
    for group in groups:
        runs = run_group(group, parts)
        for key in runs[0]:
            rows = [run[key] for run in runs if key in run]
            arrays[f"{group}_{key}"] = np.array(rows, np.float32)
    return arrays


def arranged(arrays):
    """Give each array an axis for what was compared, one for the runs."""
    first = {
        "regression": len(SLOTS), "diffusion": len(DIFFUSED),
        "reference": len(READERS), "sampler": 2,
    }  # fmt: skip
    found = {}
    for name, array in arrays.items():
        rows = first[name.split("_")[0]]
        if name != "reference_hits":
            array = array.reshape(rows, -1, *array.shape[1:])
        found[name] = array
    found["regression_size"] = found["regression_size"][:, 0]
    names = {"slots": list(SLOTS), "diffused": DIFFUSED, "readers": READERS}
    return {**found, **names, "counts": COUNTS}


def main():
    """Make the runs that are missing, then the file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--parts", type=Path, default=Path(".cache/week4"))
    parser.add_argument("--only", choices=GROUPS, help="one group, no file")
    arguments = parser.parse_args()
    arguments.parts.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    if arguments.only:
        run_group(arguments.only, arguments.parts)
        return
    arrays = collect(GROUPS, arguments.parts)
    np.savez_compressed(ROOT / "data" / "week4_runs.npz", **arranged(arrays))


if __name__ == "__main__":
    main()
