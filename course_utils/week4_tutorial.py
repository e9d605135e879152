"""The source tutorial of week 4: evidence, not an example.

Its code stands word for word but for wrapped lines and most comments.
`time_embedding`, `reduce_bilinear` and `train_step` are cut out of it, to be
shown alone; `main` is shortened and holds `compare_models` too. Left out are
the download of CIFAR-10 (`main` is given batches), prints and figures. What
is wrong is the subject of the lesson.

`CRASHES` are the six that a CPU meets, each with the least repair;
`repaired(n)` is the tutorial after the first n, its silent errors untouched.
A seventh needs a GPU, and `device` is the CPU here: the tables of
`DiffusionProcess` stay on the CPU while t, their index, is on the GPU.
"""
# ruff: noqa: B007, F821, SIM108, UP008

import functools
import importlib
import inspect
import math
from types import SimpleNamespace
from typing import NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F

device = torch.device("cpu")
# fmt: off


class SelfAttention(nn.Module):
    def __init__(self, channels, size):
        super(SelfAttention, self).__init__()
        self.channels = channels
        self.size = size
        self.query = nn.Conv2d(channels, channels // 8, kernel_size=1)
        self.key = nn.Conv2d(channels, channels // 8, kernel_size=1)
        self.value = nn.Conv2d(channels, channels, kernel_size=1)
        # Gamma parameter (learnable weight for residual connection)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.softmax = nn.Softmax(dim=-1)

    def forward(self, x):
        batch_size, C, H, W = x.shape
        Q = self.query(x).view(batch_size, -1, H * W).permute(0, 2, 1)
        K = self.key(x).view(batch_size, -1, H * W)
        V = self.value(x).view(batch_size, -1, H * W)

        attention = torch.bmm(Q, K)  # (B, N, N)
        attention = attention / math.sqrt(self.channels // 8)
        attention = self.softmax(attention)

        out = torch.bmm(V, attention.permute(0, 2, 1))  # (B, C, N)
        out = out.view(batch_size, C, H, W)
        out = self.gamma * out + x
        return out


def time_embedding(base_channels):
    return nn.Sequential(
        nn.Linear(1, base_channels),
        nn.SiLU(),
        nn.Linear(base_channels, base_channels)
    )


class UNetWithAttention(nn.Module):
    def __init__(self, in_channels=3, out_channels=3, base_channels=32):
        super(UNetWithAttention, self).__init__()
        self.enc1 = self._block(in_channels, base_channels)
        self.enc2 = self._block(base_channels, base_channels*2)
        self.pool = nn.MaxPool2d(2)
        self.bottleneck = self._block(base_channels*2, base_channels*4)
        self.attention = SelfAttention(base_channels*4, size=(8, 8))
        self.upconv2 = nn.ConvTranspose2d(
            base_channels*4, base_channels*2, kernel_size=2, stride=2)
        self.dec2 = self._block(base_channels*4, base_channels*2)
        self.upconv1 = nn.ConvTranspose2d(
            base_channels*2, base_channels, kernel_size=2, stride=2)
        self.dec1 = self._block(base_channels*2, base_channels)
        self.out = nn.Conv2d(base_channels, out_channels, kernel_size=1)
        self.time_embed = time_embedding(base_channels)

    def _block(self, in_channels, out_channels):
        return nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1),
            nn.GroupNorm(8, out_channels),
            nn.SiLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
            nn.GroupNorm(8, out_channels),
            nn.SiLU(inplace=True)
        )

    def forward(self, x, t):
        t_embed = self.time_embed(t.view(-1, 1)).unsqueeze(-1).unsqueeze(-1)
        enc1 = self.enc1(x)
        enc2 = self.enc2(self.pool(enc1))
        bottleneck = self.bottleneck(self.pool(enc2))
        bottleneck = bottleneck + t_embed.expand_as(bottleneck)
        bottleneck = self.attention(bottleneck)
        dec2 = self.upconv2(bottleneck)
        dec2 = torch.cat([dec2, enc2], dim=1)
        dec2 = self.dec2(dec2)
        dec1 = self.upconv1(dec2)
        dec1 = torch.cat([dec1, enc1], dim=1)
        dec1 = self.dec1(dec1)
        return self.out(dec1)


class DiffusionProcess:
    def __init__(self, T=1000, beta_start=1e-4, beta_end=0.02):
        self.T = T
        self.betas = torch.linspace(beta_start, beta_end, T)
        self.alphas = 1 - self.betas
        self.alpha_bars = torch.cumprod(self.alphas, dim=0)

    def forward_process(self, x0, t):
        """Add noise to image at timestep t"""
        sqrt_alpha_bar = torch.sqrt(
            self.alpha_bars[t]).view(-1, 1, 1, 1).to(x0.device)
        sqrt_one_minus_alpha_bar = torch.sqrt(
            1 - self.alpha_bars[t]).view(-1, 1, 1, 1).to(x0.device)
        epsilon = torch.randn_like(x0)
        xt = sqrt_alpha_bar * x0 + sqrt_one_minus_alpha_bar * epsilon
        return xt, epsilon

    def reverse_process(self, model, x, t, condition=None):
        """Remove noise from image at timestep t using the model"""
        with torch.no_grad():
            epsilon_pred = model(x, t)
            alpha_t = self.alphas[t].view(-1, 1, 1, 1).to(x.device)
            alpha_bar_t = self.alpha_bars[t].view(-1, 1, 1, 1).to(x.device)
            beta_t = self.betas[t].view(-1, 1, 1, 1).to(x.device)
            if t > 0:
                z = torch.randn_like(x)
            else:
                z = 0
            sigma_t = torch.sqrt(beta_t)
            x_prev = (1 / torch.sqrt(alpha_t)) * (
                x - (beta_t / torch.sqrt(1 - alpha_bar_t)) * epsilon_pred
            ) + sigma_t * z
            return x_prev


def reduce_bilinear(high):
    return F.interpolate(high, scale_factor=0.25, mode='bilinear')


def train_step(model, diffusion, optimizer, hr_imgs):
    lr_imgs = reduce_bilinear(hr_imgs)
    lr_imgs = F.interpolate(lr_imgs, size=hr_imgs.shape[2:], mode='bilinear')
    t = torch.randint(
        0, diffusion.T, (hr_imgs.size(0),), device=device).float()
    noisy_imgs, true_noise = diffusion.forward_process(hr_imgs, t)
    model_input = torch.cat([noisy_imgs, lr_imgs], dim=1)
    pred_noise = model(model_input, t)
    loss = F.mse_loss(pred_noise, true_noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train_diffusion_with_attention(model, diffusion, dataloader, optimizer,
                                   epochs=10):
    model.train()
    for epoch in range(epochs):
        for hr_imgs, _ in dataloader:
            train_step(model, diffusion, optimizer, hr_imgs.to(device))


def sample_diffusion(model, diffusion, lr_img, img_size=(32, 32)):
    model.eval()
    x = torch.randn(1, 3, *img_size).to(device)
    lr_img = F.interpolate(lr_img, size=img_size, mode='bilinear')
    for t in range(diffusion.T-1, -1, -1):
        t_tensor = torch.tensor([t], device=device).float()
        model_input = torch.cat([x, lr_img], dim=1)
        x = diffusion.reverse_process(model, model_input, t_tensor)
        # Clamp values to valid range
        x = torch.clamp(x, -1.0, 1.0)
    return x


def imports():
    importlib.import_module("torchvision")


def main(train_loader, epochs=5, T=1000):
    original_model = UNet(6, out_channels=3).to(device)
    attention_model = UNetWithAttention(6, out_channels=3).to(device)
    diffusion = DiffusionProcess(T=T)
    optimizer = torch.optim.Adam(original_model.parameters(), lr=1e-4)
    train_diffusion(
        original_model, diffusion, train_loader, optimizer, epochs=epochs)
    optimizer = torch.optim.Adam(attention_model.parameters(), lr=1e-4)
    train_diffusion_with_attention(
        attention_model, diffusion, train_loader, optimizer, epochs=epochs)
    test_img, _ = next(iter(train_loader))
    lr_img = reduce_bilinear(test_img[0:1])  # Take one image
    return [sample_diffusion(model, diffusion, lr_img, test_img.shape[2:])
            for model in (original_model, attention_model)]


# The end of the tutorial.
PUBLISHED = (
    SelfAttention, time_embedding, UNetWithAttention, DiffusionProcess,
    reduce_bilinear, train_step, train_diffusion_with_attention,
    sample_diffusion, imports, main)


class Crash(NamedTuple):
    doing: str
    published: str  # "" where something is missing altogether
    repaired: str


CRASHES = (
    Crash("import torchvision, for CIFAR-10",
          'importlib.import_module("torchvision")', "pass"),
    Crash("make the U-Net without attention", "", """
class UNet(UNetWithAttention):
    def __init__(self, in_channels, out_channels):
        super().__init__(in_channels, out_channels)
        self.attention = nn.Identity()
"""),
    Crash("train the U-Net without attention", "",
          "train_diffusion = train_diffusion_with_attention\n"),
    Crash("look up alphas[t], alpha_bars[t], betas[t]",
          "s[t]", "s[t.long()]"),
    Crash("add the embedded t to the bottleneck",
          "nn.Linear(base_channels, base_channels)",
          "nn.Linear(base_channels, base_channels*4)"),
    Crash("take the predicted noise off x", "(model, model_input, t_tensor)",
          "(lambda x, t: model(torch.cat([x, lr_img], 1), t), x, t_tensor)"),
)
# fmt: on


@functools.cache
def repaired(count=6):
    """Return the tutorial's names after the first `count` repairs.

    Raises ValueError for other numbers than 0 (as published) to 6.
    """
    if count not in range(len(CRASHES) + 1):
        raise ValueError(f"count is from 0 to {len(CRASHES)}, not {count!r}")
    source = "\n".join(map(inspect.getsource, PUBLISHED))
    for _, old, new in CRASHES[:count]:
        source = source.replace(old, new) if old else source + new
    names = {**globals(), "__name__": f"tutorial_repaired_{count}"}
    exec(source, names)
    return SimpleNamespace(**names)


def crash_chain():
    """Run the tutorial, repair what it crashes on, run it again, and so on.

    On two random pictures of 8x8, with T = 10, seeded. Returns for each of
    `CRASHES` what the line does, the exception's name, its message's first
    line; "none", "no crash here" where torchvision is installed (Colab).
    """
    met = []
    for count, crash in enumerate(CRASHES):
        code = repaired(count)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            images = [(torch.rand(2, 3, 8, 8) * 2 - 1, None)]
            try:
                if count:
                    code.main(images, epochs=1, T=10)
                else:
                    code.imports()
                said = "none", "no crash here"
            except Exception as error:
                said = type(error).__name__, str(error).partition("\n")[0]
        met.append((crash.doing, *said))
    return met


def sample_clamped(predict, x, T=1000, clamp=True):
    """Take the noise off x as `sample_diffusion` does, by any predictor.

    Args:
        predict: (x, t) -> the noise in x; t is a float tensor of one value.
        x: noise, (n, channels, height, width).
        T: steps.
        clamp: whether to clamp x to [-1, 1] after each, as published.
    """
    diffusion = repaired().DiffusionProcess(T)
    for t in range(T - 1, -1, -1):
        x = diffusion.reverse_process(predict, x, torch.tensor([float(t)]))
        x = x.clamp(-1, 1) if clamp else x
    return x


def clipped_share(x):
    """Return the share of values that clamping to [-1, 1] changes."""
    return (x.abs() > 1).float().mean().item()
