//! The moving average of the generator's weights: calmer than the weights themselves while the learning rate is high, and behind
//! them; it is for weights whose rate has fallen.

use anyhow::{Context, Result};
use tch::{Tensor, no_grad};

use crate::torch::TorchNetwork;

/// An average of the weights of a network over the steps.
pub struct MovingAverage {
    half_life_maps: f64,
    names: Vec<String>,
    average: Vec<Tensor>,
}

impl MovingAverage {
    /// Begins with the weights as they are; a step's weight is halved after so many maps.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn of(network: &TorchNetwork, half_life_maps: f64) -> Result<Self> {
        let like = |tensor: &Tensor| Ok(tensor.f_detach()?.f_empty_like()?);
        let average = no_grad(|| network.trainable().iter().map(like).collect::<Result<_>>())?;
        let names = network.trainable_names().map(str::to_owned).collect();
        let begun = Self { half_life_maps, names, average };
        begun.begin_with(network)?;
        Ok(begun)
    }

    /// Begins anew with the weights of a network as they are.
    ///
    /// # Errors
    /// When the network is another one, or the device fails.
    pub fn begin_with(&self, network: &TorchNetwork) -> Result<()> {
        no_grad(|| {
            for (average, weights) in self.average.iter().zip(network.trainable()) {
                average.shallow_clone().f_copy_(&weights).context("the average of another network")?;
            }
            Ok(())
        })
    }

    /// Takes in the weights after step `step`, counted from 1, of `maps` maps. The first steps count more, since the average then
    /// holds little but the random weights of the beginning.
    ///
    /// # Errors
    /// When the network is another one, or the device fails.
    pub fn take(&mut self, network: &TorchNetwork, step: u64, maps: i64) -> Result<()> {
        let step = step as f64;
        let kept = 0.5_f64.powf(maps as f64 / self.half_life_maps).min((1.0 + step) / (3.0 + step));
        no_grad(|| {
            for (average, weights) in self.average.iter_mut().zip(network.trainable()) {
                let _ = average.f_lerp_(&weights, 1.0 - kept)?;
            }
            Ok(())
        })
    }

    /// Gives a network the averaged weights. Its running statistics are still those of the others.
    ///
    /// # Errors
    /// When the network is another one, or the device fails.
    pub fn give_to(&self, network: &TorchNetwork) -> Result<()> {
        no_grad(|| {
            for (average, mut weights) in self.average.iter().zip(network.trainable()) {
                weights.f_copy_(average).context("the average of another network")?;
            }
            Ok(())
        })
    }

    /// The averaged tensors by name.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.names.iter().map(String::as_str).zip(&self.average)
    }
}
