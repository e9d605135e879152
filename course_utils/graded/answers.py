"""A student's function behind a guard: plain data in, plain data out.

Properties never touch what a student's function returns, only a copy of its
numbers: an object that claims to equal everything is no array. In a
student's notebook the copy is made by `Answer`; when an assignment is
graded, the call crosses into the sandbox and numbers come back as bytes
(`course_utils.grading.remote`), by the same rules.
"""

import sys

import numpy as np

from course_utils.checks.engine import Attempt, Incorrect

MOST_CHARACTERS = 10_000
KINDS = "biufcU"


class Answer:
    """A student's function, called on copies of the arguments.

    Args:
        function: what the student wrote.
        name: how messages call it.

    Calling it returns a NumPy array (a number becomes one without axes), a
    string, or a tuple or a dict of such.

    Raises:
        NotAttempted: the stub is still untouched.
        Incorrect: the function raised, or returned something else.
    """

    def __init__(self, function, name):
        self.name = name
        self._attempt = Attempt(function, name)

    def __call__(self, *args, **kwargs):
        return plain(self._attempt.raw(*args, **kwargs), self.name)

    def gradient(self, *args, of=0, **kwargs):
        """Return the gradient of the sum of the result, by PyTorch.

        Args:
            args: floating-point arrays become tensors of float32.
            of: number of the argument to differentiate by.

        Returns:
            Array of that argument's shape, zeros where nothing flows.

        Raises:
            Incorrect: the result does not depend on it by way of PyTorch.
        """
        import torch

        tensors = [_tensor(a) for a in args]
        tensors[of].requires_grad_()
        out = self._attempt.raw(*tensors, **kwargs)
        if not isinstance(out, torch.Tensor) or not out.requires_grad:
            raise Incorrect(
                f"{self.name}: no gradient reaches argument {of + 1}. Was "
                "it detached, or computed outside PyTorch?"
            )
        grad = torch.autograd.grad(out.sum(), tensors[of], allow_unused=True)
        nothing = torch.zeros_like(tensors[of])
        return (nothing if grad[0] is None else grad[0]).detach().numpy()

    def other(self, name):
        """Return the `Answer` of another function of the same notebook.

        Raises:
            Incorrect: the notebook defines no such name.
        """
        home = getattr(self._attempt.target, "__globals__", {})
        if name not in home:
            raise Incorrect(f"the notebook defines no {name}.")
        return Answer(home[name], name)


def plain(value, name):
    """Return a result as arrays, strings, and tuples and dicts of them.

    Args:
        value: number, array, tensor of PyTorch or TensorFlow, string,
            list, tuple or dict of such.
        name: function that returned it, for messages.

    Raises:
        Incorrect: it is, or holds, anything else, or an array without
            numbers (whatever is said of all of its numbers would hold).
    """
    if isinstance(value, str):
        return value[:MOST_CHARACTERS]
    if isinstance(value, dict):
        return {str(key): plain(item, name) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(plain(item, name) for item in value)
    try:
        array = np.array(_to_numpy(value))
    except Exception:  # a ragged list, or an object that resists
        array = None
    if array is not None and array.dtype.kind in KINDS and array.size:
        return array
    if isinstance(value, list) and value:
        return tuple(plain(item, name) for item in value)
    if array is not None and not array.size:
        raise Incorrect(f"{name} returned an array without a single number.")
    raise Incorrect(
        f"{name} should return numbers, not a {type(value).__name__}."
    )


def _to_numpy(value):
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, list):
        return [_to_numpy(item) for item in value]
    return value


def _tensor(value):
    import torch

    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return torch.tensor(value, dtype=torch.float32)
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value
