"""Graded tasks of week 1, in the order of the assignment."""

import numpy as np

from course_utils.graded.engine import Task

cosine_attention = Task(
    1, "cosine_attention", "Attention by angle, not by length", points=5
)


@cosine_attention.needs(
    "For query (batch, queries, width) and key (batch, keys, width) the "
    "result should have shape (batch, queries, keys)."
)
def _cosine_shape(answer, rng):
    query, key = rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 7, 4))
    return answer(query, key, 0.5).shape == (2, 5, 7)


@cosine_attention.property(
    1,
    "Every row is a share out of 1.",
    "Rows should sum to 1: over which axis do you divide?",
)
def _cosine_rows(answer, rng):
    query, key = rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 7, 4))
    return np.allclose(answer(query, key, 0.5).sum(-1), 1)


@cosine_attention.property(
    2,
    "A query's length does not matter.",
    "Ten times as long a query got other weights: only the angle counts.",
)
def _cosine_length(answer, rng):
    query, key = rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 7, 4))
    one, ten = answer(query, key, 0.5), answer(10 * query, key, 0.5)
    return np.allclose(one, ten) and np.ptp(one) > 0.01
