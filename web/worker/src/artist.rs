//! The generator on a device, and what measures its maps and others.

use protocol::LatentPoint;
use shared::{
    ConvergenceMap,
    formats::weights::Manifest,
    network::{DrawInput, MapGenerator},
};

use crate::{
    device::{Computing, Device, Layers},
    gauge::Gauges,
    judge::Judge,
    messages::{Failure, scope},
};

/// Milliseconds of a clock that never goes back.
pub fn now() -> f64 {
    scope().performance().map_or(0.0, |performance| performance.now())
}

/// Draws maps one by one, and measures them.
pub struct Artist {
    generator: MapGenerator<Computing>,
    layers: Option<Layers>,
    /// What treats and measures maps.
    pub gauges: Gauges,
    /// What tells them from simulated ones.
    pub judge: Judge,
}

impl Artist {
    /// Draws the maps of a manifest's network on a device, beside its discriminator.
    pub fn new(manifest: &Manifest, judge: Judge, device: Device) -> Self {
        let network = manifest.network.clone();
        let generator = MapGenerator::new(network, manifest.side_angle, 1, Computing(device.compute));
        Self { generator, layers: device.layers, gauges: Gauges::default(), judge }
    }

    /// What the network draws a point of latent space from.
    fn input(&self, point: LatentPoint) -> DrawInput {
        let (definition, upper) = (self.generator.definition(), [point.seed, point.to]);
        match point.below {
            None => DrawInput::between(upper, point.place, definition),
            Some(below) => DrawInput::on_patch([upper, [below.seed, below.to]], point.place, below.height, definition),
        }
    }

    /// Draws a point of latent space; also says how long that took, in milliseconds.
    ///
    /// # Errors
    /// When the device fails or draws something that is not a map.
    pub async fn draw(&self, point: LatentPoint) -> Result<(ConvergenceMap, f64), Failure> {
        let start = now();
        let kappa = self.generator.draw(&[self.input(point)]).await?.concat();
        let milliseconds = now() - start;
        let map = ConvergenceMap::new(self.generator.side_angle(), self.generator.pixels(), kappa)
            .map_err(|error| Failure::of_device(format!("The device drew no map: {error}.")))?;
        Ok((map, milliseconds))
    }

    /// Kappa of a seed's map, row by row.
    ///
    /// # Errors
    /// When the device fails or draws something that is not a map.
    pub async fn kappa_of_seed(&self, seed: u64) -> Result<Vec<f32>, Failure> {
        Ok(self.generator.draw(&[DrawInput::of_seed(seed, self.generator.definition())]).await?.concat())
    }

    /// Pixels along the side of the network's maps.
    pub fn pixels(&self) -> usize {
        self.generator.pixels()
    }

    /// What each layer makes of a point, `[channels, side, side]` each, and at last kappa.
    ///
    /// # Errors
    /// When the device keeps that to itself.
    pub fn layers(&self, point: LatentPoint) -> Result<Vec<Vec<f32>>, Failure> {
        let Some(layers) = &self.layers else {
            return Err(Failure::final_one(
                "The layers can be seen where the processor draws: open the page with ?device=cpu.",
            ));
        };
        layers(&self.input(point).latent)
    }
}
