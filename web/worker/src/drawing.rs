//! A view becomes a map and its power spectrum.

use burn::tensor::{Device, Tensor, TensorData};
use protocol::{Drawn, View};
use shared::{
    ConvergenceMap,
    formats::weights::{Manifest, Weights},
    latent::{latent, slerp},
    network::inference::Generator,
    statistics::{PowerSpectrumPlan, power_spectrum::paper_edges},
};

use crate::messages::{Failure, scope};

/// A generator on a device, and the plan that measures its maps.
pub struct Artist {
    generator: Generator,
    device: Device,
    latent_size: usize,
    side: usize,
    side_angle: f64,
    spectrum: PowerSpectrumPlan,
}

impl Artist {
    /// Puts the generator on a device.
    ///
    /// # Errors
    /// When the weights do not fit the manifest.
    pub fn new(manifest: &Manifest, weights: &Weights, device: &Device) -> Result<Self, Failure> {
        let (network, side_angle) = (&manifest.network, manifest.side_angle);
        let generator = Generator::new(network, weights, device)
            .map_err(|error| Failure::final_one(format!("The weights cannot be used: {error}.")))?;
        let spectrum = PowerSpectrumPlan::new(network.map_side, side_angle, &paper_edges())
            .map_err(|error| Failure::final_one(error.to_string()))?;
        let (latent_size, side) = (network.latent_size, network.map_side);
        Ok(Self { generator, device: device.clone(), latent_size, side, side_angle, spectrum })
    }

    /// Kappa of a seed's map, row by row.
    ///
    /// # Errors
    /// When the device fails.
    pub async fn kappa_of_seed(&self, seed: u64) -> Result<Vec<f32>, Failure> {
        self.kappa(latent(seed, self.latent_size)).await
    }

    async fn kappa(&self, latent: Vec<f32>) -> Result<Vec<f32>, Failure> {
        let latent = Tensor::<2>::from_data(TensorData::new(latent, [1, self.latent_size]), &self.device);
        let failed = |error: String| Failure::of_device(format!("The device could not draw the map ({error})."));
        let data = self.generator.forward(latent).into_data_async().await;
        let data = data.map_err(|error| failed(error.to_string()))?;
        data.try_into_vec::<f32>().map_err(|error| failed(format!("{error:?}")))
    }

    /// Draws and measures a view.
    ///
    /// # Errors
    /// When the device fails or draws something that is not a map.
    pub async fn draw(&mut self, id: u32, view: View) -> Result<(Drawn, Vec<f32>), Failure> {
        let now = || scope().performance().map_or(0.0, |performance| performance.now());
        let start = now();
        let latent = if view.place <= 0.0 {
            latent(view.seed, self.latent_size)
        } else {
            slerp(&latent(view.seed, self.latent_size), &latent(view.to, self.latent_size), view.place.min(1.0))
        };
        let kappa = self.kappa(latent).await?;
        let milliseconds = now() - start;
        let map = ConvergenceMap::new(self.side_angle, self.side, kappa)
            .map_err(|error| Failure::of_device(format!("The device drew no map: {error}.")))?;
        let power = self.spectrum.measure(&map).map_err(|error| Failure::final_one(error.to_string()))?;
        let ell = self.spectrum.ell().to_vec();
        let drawn = Drawn { id, view, pixels: self.side, side_angle: self.side_angle, milliseconds, ell, power };
        Ok((drawn, map.into_kappa()))
    }
}
