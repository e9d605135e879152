"""A student's function in the sandbox, called from the trusted side."""

from course_utils.checks.engine import Incorrect, NotAttempted
from course_utils.graded import wire
from course_utils.graded.answers import plain
from course_utils.grading import inside
from course_utils.grading.kernel import Slow

MOST_MESSAGE = 500


class RemoteAnswer:
    """Behaves like `graded.answers.Answer`; only bytes cross the wall.

    Args:
        kernel: a running `kernel.Kernel`.
        name: of the student's function.
        seconds: that one call may take.

    A call that takes too long is the last: what loops once would loop in
    every property.
    """

    def __init__(self, kernel, name, seconds):
        self._kernel, self.name, self._seconds = kernel, name, seconds
        self._slow = set()  # shared with what `other` returns

    @property
    def was_slow(self):
        """Whether a call took too long, of this function or another."""
        return bool(self._slow)

    def __call__(self, *args, **kwargs):
        return self._ask("value", args, kwargs)

    def gradient(self, *args, **kwargs):
        """As `Answer.gradient`."""
        return self._ask("gradient", args, kwargs)

    def other(self, name):
        """As `Answer.other`; what is missing is said at the first call."""
        other = RemoteAnswer(self._kernel, name, self._seconds)
        other._slow = self._slow
        return other

    def _ask(self, call, args, kwargs):
        request = wire.pack(
            {"name": self.name, "call": call,
             "args": list(args), "kwargs": kwargs}
        )  # fmt: skip
        if self.was_slow:
            raise Slow(f"{self.name} took too long before.")
        try:
            packed = self._kernel.ask(request, self._seconds)
        except Slow:
            self._slow.add(self.name)
            raise
        try:
            reply = wire.unpack(packed, tensors=False)
            kind, content = reply["kind"], reply["content"]
        except (ValueError, KeyError, TypeError) as error:
            raise Incorrect(f"{self.name} gave no readable answer.") from error
        if kind == inside.OPEN:
            raise NotAttempted
        if kind == inside.INCORRECT:
            raise Incorrect(str(content)[:MOST_MESSAGE])
        return plain(content, self.name)
