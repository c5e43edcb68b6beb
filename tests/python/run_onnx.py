"""A generator's ONNX model in onnxruntime: `run_onnx.py MODEL.onnx LATENTS.f32 MAPS.f32` writes kappa of the latent vectors."""
import sys

import numpy as np
import onnxruntime

model, latents, maps = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
(z,), (kappa,) = session.get_inputs(), session.get_outputs()
assert (z.name, kappa.name) == ("z", "kappa") and z.shape[0] == kappa.shape[0] == "maps", (z, kappa)
values = np.fromfile(latents, "<f4").reshape(-1, z.shape[1])
drawn = session.run(["kappa"], {"z": values})[0]
assert list(drawn.shape[1:]) == list(kappa.shape[1:]), (drawn.shape, kappa.shape)
drawn.astype("<f4").tofile(maps)
