"""Checks of week 3, in the order of the lesson."""

from course_utils.checks import week3_maps, week3_tokens

centre_crop = week3_tokens.centre_crop
parameters = week3_tokens.parameters
weights = week3_tokens.weights
shuffle = week3_tokens.shuffle

enlarge = week3_maps.enlarge
mass_mask = week3_maps.mass_mask
honest_score = week3_maps.honest_score
rollout = week3_maps.rollout
