"""The paper's generator (Table 1) in PyTorch, from our safetensors file: `draw.py WEIGHTS LATENTS.f32 MAPS.f32`.

What it writes is the network's output between -1 and 1; times `kappa_scale` of the manifest it is kappa.
"""
import sys

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 512 * 16 * 16)
        for index, channels in enumerate((512, 256, 128, 64)):
            setattr(self, f"bn{index}", nn.BatchNorm2d(channels))
        for index, (channels, out) in enumerate(((512, 256), (256, 128), (128, 64), (64, 1)), 1):
            setattr(self, f"deconv{index}", nn.ConvTranspose2d(channels, out, 5, stride=2, padding=2, output_padding=1))

    def forward(self, latent):
        maps = torch.relu(self.bn0(self.fc(latent).view(-1, 512, 16, 16)))
        for index in (1, 2, 3):
            maps = torch.relu(getattr(self, f"bn{index}")(getattr(self, f"deconv{index}")(maps)))
        return torch.tanh(self.deconv4(maps))


weights, latents, maps = sys.argv[1:]
generator = Generator().eval()
generator.load_state_dict(load_file(weights), strict=True)
with torch.no_grad():
    generator(torch.from_numpy(np.fromfile(latents, "<f4").reshape(-1, 64))).numpy().astype("<f4").tofile(maps)
