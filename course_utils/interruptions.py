"""A learner's interruption, taken as a wish: the step in hand is finished."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def stop_on_sigint():
    """Yield a list that is filled when the learner interrupts the kernel.

    A second interruption raises KeyboardInterrupt at once. Outside the main
    thread, where Python does not deliver signals, the list stays empty.
    """
    asked = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(*_):
        if asked:  # a second time: at once
            raise KeyboardInterrupt
        asked.append(True)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
