"""How the networks of weeks 4 and 5 are trained, whatever their loss.

AdamW, a learning rate that warms up and then falls along a cosine,
gradients clipped to length 1, and a running average of the weights (EMA),
which is what is used afterwards.
"""

import copy

import torch

from course_utils.schedules import average_into, warm_up_cosine
from course_utils.training import Training

WARM_UP = 50  # steps


def averaged_training(
    net, loss_at, *, steps, accelerator, rate, batch, seed, most_memory
):
    """Set up a training by the recipe; `run` of what is returned trains.

    Args:
        net: a module, on its device; it is put into training mode.
        loss_at, steps, accelerator, batch, seed: see `Training`.
        rate: learning rate at its peak.
        most_memory: of the running average, below 1; at first it is less.

    Returns:
        `(training, average)`: a `Training`, and the network whose weights
        are the running average.
    """
    net = net.train()
    average = copy.deepcopy(net).eval().requires_grad_(False)

    def after_step(step):
        memory = min(most_memory, (1 + step) / (10 + step))
        average_into(average, net, memory)

    training = Training(
        loss_at=loss_at,
        modules={"net": net, "average": average},
        optimizer=torch.optim.AdamW(net.parameters(), weight_decay=0.01),
        steps=steps,
        accelerator=accelerator,
        seed=seed,
        schedule=lambda step: {
            "lr": warm_up_cosine(step, steps, rate, WARM_UP)
        },
        clip=1.0,
        after_step=after_step,
        batch=batch,
    )
    return training, average
