"""A student's function, called through the sandbox's wall."""

import os

import boxes
import pytest

from course_utils.checks.engine import Incorrect
from course_utils.grading.kernel import Kernel, Slow
from course_utils.grading.limits import Limits
from course_utils.grading.remote import RemoteAnswer


class Endless:
    """A kernel in which every call takes too long."""

    def __init__(self):
        self.asked = 0

    def ask(self, request, seconds):
        self.asked += 1
        raise Slow("it took longer than 1 s.")


def test_what_loops_once_is_not_called_again_nor_is_its_neighbour():
    kernel = Endless()
    answer = RemoteAnswer(kernel, "f", 1)
    with pytest.raises(Incorrect):
        answer.other("g")(3)
    assert answer.was_slow
    for call in (answer, answer.other("g"), answer.other("h")):
        with pytest.raises(Incorrect, match="too long before"):
            call(3)
    assert kernel.asked == 1


def test_a_kernel_leaves_no_open_files_and_no_threads(in_ci):
    boxes.require_bubblewrap(in_ci)

    def held():
        return [len(os.listdir(f"/proc/self/{k}")) for k in ("fd", "task")]

    counts = []
    for _ in range(3):
        with Kernel(Limits(wall_seconds=60)):
            pass
        counts.append(held())
    assert counts[1] == counts[2]  # the first opens what stays
