"""Checks of week 1, in the order of the lesson."""

from course_utils.checks import week1_exercises, week1_museum, week1_order

softmax = week1_exercises.softmax
scaled_attention = week1_exercises.scaled_attention
masked_softmax = week1_exercises.masked_softmax
order_test = week1_order.order_test
sinusoidal = week1_order.sinusoidal
patchify = week1_order.patchify

axis_test = week1_museum.axis_test
split_test = week1_museum.split_test
mask_test = week1_museum.mask_test
position_test = week1_museum.position_test
crop = week1_museum.crop
rollout = week1_museum.rollout
