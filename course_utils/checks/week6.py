"""Checks of week 6, in the order of the lesson."""

from course_utils.checks import (
    week6_graph,
    week6_mixture,
    week6_noise,
    week6_updates,
)

attention_rows = week6_graph.attention_rows
smoothing = week6_graph.smoothing
overlap = week6_graph.overlap

printed = week6_updates.printed
settled = week6_updates.settled

noise_level = week6_noise.noise_level
sure = week6_noise.sure

responsibilities = week6_mixture.responsibilities
m_step = week6_mixture.m_step
