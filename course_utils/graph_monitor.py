"""Watch four heads while they are trained. Used in week 6."""

import contextlib

import numpy as np

from course_utils.graph_training import watcher
from course_utils.live import LiveCurves
from course_utils.week6_printed import HEADS


@contextlib.contextmanager
def heads_monitor(names, parameters=("sigma", "tau")):
    """Watch PSNR, heads and parameters while they are learned.

        with heads_monitor(HEADS) as note:
            for step in range(steps):
                ...
                note(step, psnr, weights, (sigma, tau))

    Args:
        names: of the heads, 1 to 6.
        parameters: their names, 1 to 6, on a logarithmic axis.

    Yields a function that adds a point to each of the three `LiveCurves`:
    the step, never less than before; the PSNR in dB; one weight for each
    head; one number above 0 for each parameter. The curves stay in the
    notebook as static pictures, each with its alt text.

    Raises:
        ValueError: no name, too many, or two alike; from the function, too
            few or too many numbers, or a step before the last one.

    Used in week 6.
    """
    panels = (
        LiveCurves("PSNR (dB)", ["PSNR"], xlabel="step"),
        LiveCurves("mean weights of the heads", names, xlabel="step"),
        LiveCurves("parameters", parameters, xlabel="step", log_y=True),
    )

    def note(step, psnr, weights, parameters):
        rows = [psnr], weights, parameters
        for curves, row in zip(panels, rows, strict=True):
            curves.add(step, *row)

    with panels[0], panels[1], panels[2]:
        yield note


def run_watched(training, average, photos, label, every):
    """Run a training of four heads, and draw what they weigh meanwhile.

    Args:
        training, average: from `graph_training.denoising_training`, of a
            `GraphDenoiser` with heads "four added".
        photos: see `graph_training.watcher`.
        label: of the progress bar.
        every: steps from one look to the next.

    Returns:
        `(looks,)` PSNR on the photos, dB, the start included.
    """
    watch = watcher(average, photos)
    with heads_monitor(HEADS, parameters=("noise", "tau")) as note:

        def look():
            seen = watch()
            chosen = seen["noise"].item(), seen["tau"].item()
            note(training.done, seen["psnr"], seen["weights"], chosen)
            return seen

        training.run(label, watch=look, watch_every=every)
    notes = training.notes
    return np.array([notes[step]["psnr"] for step in sorted(notes)])
