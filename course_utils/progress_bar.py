"""A progress bar that also looks right in a saved notebook.

It is an HTML ``<progress>`` element, updated through IPython's display
ids; tqdm's widget, saved, stays at 0% (its state is not in the file).
"""

import html
import time

REFRESH_SECONDS = 0.2


class ProgressBar:
    """A bar for a known amount of work.

    Use it as a context manager::

        with ProgressBar("downloading", total=num_bytes) as bar:
            bar.update(chunk_size)

    Args:
        label: what is going on.
        total: amount of work, > 0, in any unit.
    """

    def __init__(self, label, total):
        if not total > 0:
            raise ValueError(f"total must be positive, got {total!r}")
        self.label, self.total = label, total
        self.done, self.note = 0, ""
        self._shown_at = 0.0
        self._handle = None

    def __enter__(self):
        from IPython.display import display

        self._handle = display(self, display_id=True)
        return self

    def __exit__(self, *exception):
        self._refresh()

    def update(self, amount=1, note=""):
        """Add finished work; `note` is a short text, such as a loss."""
        self.done += amount
        self.note = note or self.note
        if time.monotonic() - self._shown_at >= REFRESH_SECONDS:
            self._refresh()

    def _refresh(self):
        self._shown_at = time.monotonic()
        if self._handle is not None:  # None outside a notebook
            self._handle.update(self)

    def __repr__(self):
        text = f"{self.label}: {min(self.done / self.total, 1):.0%}"
        return f"{text}  {self.note}" if self.note else text

    def _repr_html_(self):
        label = html.escape(self.label)
        share = min(self.done / self.total, 1)
        return (
            f'<label>{label} <progress value="{share:.4f}" max="1" '
            f'aria-label="{label}"></progress> {share:.0%} '
            f"{html.escape(self.note)}</label>"
        )


def track(iterable, label, total=None):
    """Yield from `iterable` while a progress bar counts.

    Args:
        iterable: what to go through.
        label: what is going on.
        total: its length, where `len` does not tell.
    """
    total = len(iterable) if total is None else total
    if total == 0:
        return
    with ProgressBar(label, total) as bar:
        for item in iterable:
            yield item
            bar.update()


def KerasProgress(label, epochs):  # noqa: N802 - used like a Keras class
    """Return a Keras callback that shows one bar over all epochs.

    Args:
        label: what is being trained.
        epochs: as given to `fit`; use it with ``verbose=0``.
    """
    import keras

    class _Bar(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            steps = self.params["steps"] or 1
            self.bar = ProgressBar(label, epochs * steps).__enter__()

        def on_train_batch_end(self, batch, logs=None):
            self.bar.update(1)

        def on_epoch_end(self, epoch, logs=None):
            steps = self.params["steps"] or 1
            behind = (epoch + 1) * steps - self.bar.done
            self.bar.update(behind, _scores(epoch + 1, epochs, logs or {}))

        def on_train_end(self, logs=None):
            self.bar.__exit__()

    return _Bar()


def _scores(epoch, epochs, logs):
    scores = ", ".join(f"{k} {float(v):.3f}" for k, v in logs.items())
    return f"epoch {epoch} of {epochs}: {scores}"
