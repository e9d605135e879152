"""Checks of week 4, in the order of the lesson."""

from course_utils.checks import (
    week4_debug,
    week4_network,
    week4_noise,
    week4_pictures,
    week4_sampler,
    week4_steps,
)

reduce = week4_pictures.reduce
consistent = week4_pictures.consistent

add_noise = week4_noise.add_noise
clean_from_v = week4_noise.clean_from_v

time_embedding = week4_network.time_embedding

reverse_step = week4_steps.reverse_step
ddim_step = week4_steps.ddim_step

training_input = week4_debug.training_input
sampler = week4_sampler.sampler

attention_block = week4_network.attention_block
