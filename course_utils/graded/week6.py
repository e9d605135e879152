"""Graded tasks of week 6, in the order of the assignment."""

from course_utils.graded import week6_estimates, week6_pixels

nlm_weights = week6_pixels.nlm_weights
robust_noise = week6_pixels.robust_noise
blind_copy = week6_pixels.blind_copy
smoothing_gain = week6_estimates.smoothing_gain
map_patches = week6_estimates.map_patches
attention_risk = week6_estimates.attention_risk
