"""Writes a checkpoint of the authors' networks, and maps that TensorFlow draws with it, for tests of `trainer import --tensorflow`.

The graph is that of github.com/MustafaMustafa/cosmoGAN (networks/models/dcgan.py, ops.py), written anew: names and shapes of its
variables, SAME padding, batch normalisation with epsilon 1e-5. Its running statistics are made up, so that each of them matters.

usage: tensorflow_checkpoint.py FOLDER SIDE CHANNELS LATENT NHWC|NCHW plain|transposed

Reads FOLDER/latents.f32 [3, LATENT]; writes FOLDER/checkpoint/ (what tf.train.Saver writes), FOLDER/maps.f32 [3, SIDE, SIDE] and
FOLDER/logits.f32 [3], what the discriminator says of these maps.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_eager_execution()
LAYERS = 4
VALUES = []


def variable(name, shape, low=None, high=None):
    """A variable with numbers of a seed of its own: normal, so that signals keep their size, or even between two values."""
    rng = np.random.default_rng([len(name), *name.encode()])
    if low is None:
        # Of a strided transposed convolution [5, 5, out, in] a quarter of the taps meets a pixel.
        inputs = {True: 6.25 * shape[3], False: 25 * shape[2]}["conv2d_T" in name] if shape[0] == 5 else max(shape) ** 0.5 * 4
        values = rng.normal(0.0, inputs**-0.5, shape)
    else:
        values = rng.uniform(low, high, shape)
    made = tf.get_variable(name.rsplit("/", 1)[-1], initializer=tf.zeros(shape))
    VALUES.append((made, values))
    return made


class Networks:
    """Both networks, in one data format; `order` is that of the numbers of dense layers."""

    def __init__(self, side, channels, latent, data_format, order, transposed):
        self.side, self.channels, self.latent = side, channels, latent
        self.format, self.order, self.transposed = data_format, order, transposed

    def shape(self, count, side, channels):
        return [count, side, side, channels] if self.format == "NHWC" else [count, channels, side, side]

    def strides(self):
        return [1, 2, 2, 1] if self.format == "NHWC" else [1, 1, 2, 2]

    def linear(self, x, outputs, scope):
        inputs = x.shape[1]
        with tf.variable_scope(scope):
            shape = [outputs, inputs] if self.transposed else [inputs, outputs]
            w = variable(scope + "/w", [int(size) for size in shape])
            b = variable(scope + "/b", [outputs], -0.1, 0.1)
        return tf.matmul(x, w, transpose_b=self.transposed) + b

    def batch_norm(self, x, scope):
        axis = 3 if self.format == "NHWC" else 1
        channels = int(x.shape[axis])
        with tf.variable_scope(scope):
            beta = variable(scope + "/beta", [channels], -0.3, 0.3)
            gamma = variable(scope + "/gamma", [channels], 0.5, 1.5)
            mean = variable(scope + "/moving_mean", [channels], -0.2, 0.2)
            variance = variable(scope + "/moving_variance", [channels], 0.5, 2.0)
        shape = [1, channels, 1, 1] if self.format == "NCHW" else [1, 1, 1, channels]
        parts = [tf.reshape(part, shape) for part in (mean, variance, beta, gamma)]
        return tf.nn.batch_normalization(x, *parts, 1e-5)

    def bias(self, x, scope, channels):
        biases = variable(scope + "/biases", [channels], -0.05, 0.05)
        return x + (biases if self.format == "NHWC" else tf.reshape(biases, [1, channels, 1, 1]))

    def generator(self, z):
        side, channels = self.side >> LAYERS, self.channels << (LAYERS - 1)
        x = self.linear(z, channels * side * side, "h0_lin")
        if self.order == self.format:
            x = tf.reshape(x, self.shape(-1, side, channels))
        else:
            x = tf.transpose(tf.reshape(x, [-1, channels, side, side]), [0, 2, 3, 1])
        x = tf.nn.relu(self.batch_norm(x, "bn0"))
        for layer in range(1, LAYERS + 1):
            last = layer == LAYERS
            side, inputs = side * 2, channels
            channels = 1 if last else channels // 2
            scope = f"h{layer}_conv2d_T"
            with tf.variable_scope(scope):
                w = variable(scope + "/w", [5, 5, channels, inputs])
                shape = self.shape(3, side, channels)
                x = tf.nn.conv2d_transpose(x, w, output_shape=shape, strides=self.strides(), data_format=self.format)
                x = self.bias(x, scope, channels)
            if not last:
                x = tf.nn.relu(self.batch_norm(x, f"bn{layer}"))
        return tf.nn.tanh(x)

    def discriminator(self, x):
        inputs = 1
        for layer in range(LAYERS):
            channels = self.channels << layer
            scope = f"h{layer}_conv"
            with tf.variable_scope(scope):
                w = variable(scope + "/w", [5, 5, inputs, channels])
                x = tf.nn.conv2d(x, w, strides=self.strides(), padding="SAME", data_format=self.format)
                x = self.bias(x, scope, channels)
            x = self.batch_norm(x, f"bn{layer}") if layer else x
            x, inputs = tf.maximum(x, 0.2 * x), channels
        x = x if self.order == self.format else tf.transpose(x, [0, 3, 1, 2])
        return self.linear(tf.reshape(x, [3, int(np.prod(x.shape[1:]))]), 1, f"h{LAYERS}_lin")


def build(networks):
    """Placeholders of latent vectors and maps, maps and logits of these; the networks' variables get their values by `fill`."""
    VALUES.clear()
    z = tf.placeholder(tf.float32, [3, networks.latent], name="z")
    images = tf.placeholder(tf.float32, networks.shape(3, networks.side, 1), name="real_images")
    with tf.variable_scope("discriminator"):
        logits = networks.discriminator(images)
    with tf.variable_scope("generator"):
        maps = networks.generator(z)
    return z, images, maps, logits


def fill(session):
    session.run(tf.global_variables_initializer())
    for made, values in VALUES:
        made.load(values.astype(np.float32), session)


def main(folder, side, channels, latent, data_format, dense):
    folder = Path(folder)
    (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
    sizes = (int(side), int(channels), int(latent))
    with tf.Graph().as_default(), tf.Session() as session:
        build(Networks(*sizes, data_format, data_format, dense == "transposed"))
        with tf.variable_scope("counters"):
            tf.Variable(47, name="epoch", trainable=False)
            tf.train.get_or_create_global_step()
        fill(session)
        tf.train.Saver().save(session, str(folder / "checkpoint" / "dcgan.model-epoch-47"))
    # TensorFlow computes NCHW on GPUs alone: the maps come from NHWC, with the dense layers' numbers in the order of NCHW.
    with tf.Graph().as_default(), tf.Session() as session:
        z, images, maps, logits = build(Networks(*sizes, "NHWC", data_format, dense == "transposed"))
        fill(session)
        latent_vectors = np.fromfile(folder / "latents.f32", "<f4").reshape(3, sizes[2])
        drawn = session.run(maps, {z: latent_vectors})
        judged = session.run(logits, {images: drawn})
    drawn.astype("<f4").tofile(folder / "maps.f32")
    judged.astype("<f4").tofile(folder / "logits.f32")


if __name__ == "__main__":
    main(*sys.argv[1:])
