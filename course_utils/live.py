"""Curves that are drawn while a training runs, and stay in the notebook.

    with live_losses(training, "regression"):
        training.run("regression")

The picture is SVG inside an ``<img>``: Jupyter keeps it in a notebook that
it does not trust yet, where it would throw inline SVG away. No random number
is drawn: a training that is watched gives the same result. Used in week 4.
"""

import base64
import contextlib
import html
import time
from numbers import Integral

from course_utils.live_svg import DASHES, plain, svg

REFRESH_SECONDS = 0.5


class LiveCurves:
    """Curves to which points are added while they are shown.

    Use it as a context manager, or call `close` at the end::

        with LiveCurves("errors", ["training", "test"]) as curves:
            for step in range(100):
                ...
                curves.add(step, training_error, test_error)

    It is redrawn twice a second at most, and once at the end. NaN and
    infinity (and, with `log_y`, what is not positive) leave a gap.

    Args:
        label: what is shown; the heading.
        names: one short name for each curve, 6 at most.
        xlabel: what x is.
        log_y: True for a logarithmic axis.

    Raises:
        ValueError: no name, too many, or two alike.
    """

    def __init__(self, label, names, xlabel="step", log_y=False):
        names = [names] if isinstance(names, str) else [*map(str, names)]
        most = len(DASHES)
        if not 1 <= len(set(names)) == len(names) <= most:
            raise ValueError(
                f"give 1 to {most} names that differ, got {names}"
            )
        self.label, self.names = str(label), names
        self.xlabel, self.log_y = xlabel, log_y
        self.x, self.rows = [], []
        self._shown_at, self._handle = None, None
        self._catch_up = None

    def __enter__(self):
        self._show()
        return self

    def __exit__(self, *exception):
        self.close()

    def add(self, x, *values):
        """Add one point to each curve.

        Args:
            x: where; never less than the one before.
            values: one number for each curve.

        Raises:
            ValueError: too few or too many values, or x goes back.
        """
        if len(values) != len(self.names):
            raise ValueError(
                f"{len(self.names)} curves ({', '.join(self.names)}) need "
                f"as many values, got {len(values)}"
            )
        if self.x and not x >= self.x[-1]:
            raise ValueError(f"x goes back from {self.x[-1]} to {x}")
        self.x.append(x)
        self.rows.append([float(value) for value in values])
        shown = self._shown_at
        if shown is None or time.monotonic() - shown >= REFRESH_SECONDS:
            self._show()

    def watching(self, training, watch):
        """Return a `watch` for `Training.run` that also draws its numbers.

        Args:
            training: a `Training`; points stand at its number of steps.
            watch: returns one number, or as many as there are names, in
                their order (a tuple, list or dict). They are passed on.

        Numbers noted before an interruption are drawn, too.
        """

        def catch_up():
            last = self.x[-1] if self.x else -1
            for step in sorted(training.notes):
                if step > last:
                    self.add(step, *_row(training.notes[step]))

        def watched():
            catch_up()
            values = watch()
            self.add(training.done, *_row(values))
            return values

        self._catch_up = catch_up
        return watched

    def close(self):
        """Draw once more, with every point."""
        if self._catch_up is not None:
            self._catch_up()
        self._show(last=True)

    def _show(self, last=False):
        fresh = self._shown_at is None
        self._shown_at = time.monotonic()
        if self._handle is not None:
            self._handle.update(self)
        elif fresh or last:  # outside a notebook there is no handle
            from IPython.display import display

            self._handle = display(self, display_id=True)

    def sentence(self):
        """Return in words where each curve began and where it is now."""
        if not self.x:
            return f"Curves of {self.label}: no points yet."
        first, last = plain(self.x[0]), plain(self.x[-1])
        begun, ended = self.rows[0], self.rows[-1]
        parts = [
            f"{name} from {old:.3g} to {new:.3g}"
            for name, old, new in zip(self.names, begun, ended, strict=True)
        ]
        return (
            f"Curves of {self.label}, {self.xlabel} {first} to {last}: "
            f"{'; '.join(parts)}."
        )

    def __repr__(self):
        if not self.x:
            return f"{self.label}: no points yet"
        pairs = zip(self.names, self.rows[-1], strict=True)
        values = ", ".join(f"{name} {value:.3g}" for name, value in pairs)
        return f"{self.label}, {self.xlabel} {plain(self.x[-1])}: {values}"

    def _repr_html_(self):
        words = self.sentence()
        drawn, width, height = svg(
            self.label, self.names, self.x, self.rows, self.xlabel,
            self.log_y, words,
        )  # fmt: skip
        source = base64.b64encode(drawn.encode()).decode()
        return (
            f'<img class="dark-light" alt="{html.escape(words)}" '
            f'decoding="sync" width="{width}" height="{height}" '
            'style="max-width:100%;height:auto;background:#fff" '
            f'src="data:image/svg+xml;base64,{source}">'
        )


@contextlib.contextmanager
def live_losses(training, label, *, mean_of=20, every=10, log_y=False):
    """Show the running mean of a training's losses while it runs.

    Args:
        training: a `Training`; run it inside the ``with``.
        label: the heading.
        mean_of: over how many losses the mean is taken (fewer at first).
        every: number of steps from point to point.
        log_y: True for a logarithmic axis.

    Yields the `LiveCurves`. What was done before is drawn, too. Raises
    ValueError unless mean_of and every are whole numbers, 1 or more.
    """
    for name, value in (("mean_of", mean_of), ("every", every)):
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be 1 or more, got {value!r}")
    before, losses_of = training.after_step, f"loss, mean of {mean_of}"
    curves = LiveCurves(label, [losses_of], log_y=log_y)

    def catch_up(to_the_end=True):
        done = training.done
        last = curves.x[-1] if curves.x else 0
        ends = [*range(last + every, done + 1, every)]
        if to_the_end and done > (ends or [last])[-1]:
            ends.append(done)
        for end in ends:
            part = training.losses[max(0, end - mean_of) : end]
            curves.add(end, sum(part) / len(part))

    def after_step(step):
        if before is not None:
            before(step)
        catch_up(to_the_end=False)  # this step's own loss comes later

    curves._catch_up = catch_up
    with curves:
        training.after_step = after_step
        try:
            yield curves
        finally:
            training.after_step = before


def _row(noted):
    """Return what `watch` returned as numbers, one for each curve."""
    if isinstance(noted, dict):
        return [*noted.values()]
    return noted if isinstance(noted, (list, tuple)) else [noted]
