# %% [markdown]
# # Attention, Measured
#
# {{badges}}
#
# Six lessons on attention for computer vision, from a softmax in NumPy to
# cross-attention on faces. One rule holds throughout: **no claim without its
# measurement.** Every number you read was computed in the notebook you read
# it in, beside a baseline that costs nothing, and a claim that fails is shown
# failing. The famous bugs of the field's tutorials are your exercises.
#
# Start with week 1. Each lesson takes 60 to 90 minutes, runs from top to
# bottom on a laptop, and needs nothing but itself: open it here or in Colab,
# and its first code cell installs what is missing.

# %% [markdown]
# | week | lesson | afterwards you can | minutes |
# |---|---|---|---|
# | 1 | [Attention from scratch](week1_attention_from_scratch.ipynb) | write attention in NumPy, heads and masks included, prove it equal to the libraries', and say what positions and patches cost | 75, museum 25 |
# | 2 | [Multi-head attention in Keras](week2_multi_head_attention.ipynb) | put an attention layer on trial, build a correct one, and design an experiment that can tell whether it helps | 80 |
# | 3 | [ViT and DINO attention maps](week3_vit_and_dino.ipynb) | build a Vision Transformer, load DINO's weights into it, read its attention correctly, and score its maps against masks and against maps that cost nothing | 90 |
# | 3, bonus | [Train DINO yourself](week3_bonus_train_dino.ipynb) | train a ViT without labels, see it collapse without its brakes, and follow it by a score the loss does not know of | 45 |
# | 4 | [Diffusion super-resolution](week4_diffusion_super_resolution.ipynb) | build a diffusion model every part of which is checked, say why sharp pictures score worse, and test what attention adds to it | 150 |
# | 5 | [Cross-attention and class imbalance](week5_cross_attention.ipynb) | let 40 questions look at a face, name attributes that few faces have, tell success from collapse, and say what remedies for imbalance buy and cost | 150 |
# | 6 | [Attention as denoising](week6_attention_as_denoising.ipynb) | write non-local means, graph smoothing and the E step as attention, put four heads on trial, and train a denoiser without clean photos | 150 |

# %% [markdown]
# ## Where you are
#
# The next cell shows which exercises you have solved. The checks in the
# lessons write this ledger into one small file in your home folder
# (`.attention-measured/progress.json`, or the folder that the environment
# variable `COURSE_HOME` names); nothing leaves your machine. On Colab the
# file lives as long as the runtime: to keep it, mount your Drive and set
# `COURSE_HOME` to a folder there before you start.

# %% tags=["setup"]
progress.dashboard()

# %% [markdown]
# ## Graded work
#
# Each week has an assignment of about two hours, for classes and for those
# who want to know: [week 1](../assignments/release/week1/week1_assignment.ipynb) · [week 2](../assignments/release/week2/week2_assignment.ipynb) · [week 3](../assignments/release/week3/week3_assignment.ipynb) · [week 4](../assignments/release/week4/week4_assignment.ipynb) · [week 5](../assignments/release/week5/week5_assignment.ipynb) · [week 6](../assignments/release/week6/week6_assignment.ipynb). Its checks show points at once; the rest is
# judged after you hand in. Teachers find the kit in
# [docs/instructor.md](../docs/instructor.md).
#
# ## How a lesson works
#
# 1. **Predict, then run.** Before a cell runs, the text asks what you
#    expect. Write it down; being wrong is when you learn most.
# 2. **Exercises** have a stub to fill in. Run the check below it as often as
#    you like: it says *not attempted*, *incorrect* with a hint about what
#    went wrong, or *correct*. Hints and solutions are folded beneath.
# 3. **Claims** print what is said, what was measured, the band it must lie
#    in, and a verdict. A claim that fails stops the notebook, so what you
#    read is what held. Claims of others that do not hold are shown as
#    refuted. The table at the end of a lesson collects them all.
# 4. **Quiz**: five questions at the end, three about the week before at the
#    start, with answers folded.
#
# `setup(week=1)` picks the preset for you: `quick` on a CPU with the data
# that ships with the course, `full` on a GPU with the real data sets where
# they can be had. You can say so yourself: `setup(week=1, preset="full",
# data="bundled")`, or give `data` the path of a folder of your own.
