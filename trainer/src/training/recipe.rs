//! What goes beyond the paper's procedure; every part is off by default, and each has its own section of a run's TOML file.
//!
//! The sources are experiments of this project, some 35 runs on maps of N-body simulations: README, "The recipe", has what
//! they found, part by part.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// When the two networks are updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Updates {
    /// Both from one forward pass, at the parameters before the step, as the authors' graph has it.
    #[default]
    Together,
    /// The discriminator first; the generator's loss is then the updated one's. A forward pass more.
    Alternating,
}

/// How the discriminator differs from Table 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiscriminatorConfig {
    /// Table 2's batch normalisation; without it, weights begin as He et al. (2015) have them.
    pub batch_norm: bool,
    /// What its input is divided by.
    pub input: DiscriminatorInput,
    /// Learning rate over the generator's.
    pub rate: f64,
    /// Learning rate of its last layer over that of its others. Adam moves a logit by about rate x inputs x mean |input| in a
    /// step, and the last layer of the paper's has 131,072 inputs: at small batches it overshoots.
    pub last_layer_rate: f64,
    /// Weight gamma of the penalty gamma / 2 E |dD/dx|^2 on data maps, x in units of their standard deviation (R1; Mescheder
    /// et al. 2018, Eq. 9).
    pub gradient_penalty: f64,
    /// Standard deviation of noise that is added to all that it sees, data and generated maps, in that of the data's kappa (Sønderby et
    /// al. 2017, Section 3.2): it hides small structures, by which it would otherwise win before the generator has learned the large
    /// ones. It falls with the learning rate.
    pub noise: f64,
    /// Steps from one penalty to the next; it then counts that many times (Karras et al. 2020, Section 3.1).
    pub gradient_penalty_every: u64,
}

/// What the discriminator's input is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiscriminatorInput {
    /// The generator's `kappa_scale`: it sees what the generator puts out.
    #[default]
    KappaScale,
    /// The standard deviation of the data's kappa: it sees pixels of unit variance.
    Deviation,
    /// asinh of that: maps of unsmoothed simulations have peaks of 50 standard deviations.
    Asinh,
}

impl Default for DiscriminatorConfig {
    fn default() -> Self {
        Self {
            batch_norm: true,
            input: DiscriminatorInput::KappaScale,
            rate: 1.0,
            last_layer_rate: 1.0,
            gradient_penalty: 0.0,
            noise: 0.0,
            gradient_penalty_every: 1,
        }
    }
}

/// Forces on the generated maps toward statistics of the data, beside the adversarial gradient: each is the size of its force
/// where the statistics are off by their scatter, over the adversarial gradient's. 0 leaves one out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForcesConfig {
    /// Mean power of rings and cells of Fourier space.
    pub spectrum: f64,
    /// Scatter and correlations of P(l) from map to map, as a share of `spectrum`.
    pub correlations: f64,
    /// Values of pixels: of the maps, of smoothed ones and of band passes.
    pub pixels: f64,
    /// Boundary length and genus of the maps' excursion sets: the Minkowski functionals V1 and V2.
    pub shape: f64,
    /// Phases that all maps share at the multiples of the generator's first lattice.
    pub lattice: f64,
    /// Maps after which a map's weight in the running means is halved.
    pub half_life_maps: f64,
}

impl Default for ForcesConfig {
    fn default() -> Self {
        Self { spectrum: 0.0, correlations: 1.0, pixels: 0.0, shape: 0.0, lattice: 0.0, half_life_maps: 512.0 }
    }
}

impl ForcesConfig {
    /// The statistics that maps are pulled toward, in words.
    pub fn statistics(&self) -> Vec<String> {
        let scatter = if self.correlations > 0.0 { "P(l), its scatter and correlations" } else { "mean P(l)" };
        let forces = [
            (self.spectrum, scatter),
            (self.pixels, "values of pixels, of smoothed maps and of band passes"),
            (self.shape, "boundary length and genus (V1, V2)"),
            (self.lattice, "no phases that all maps share"),
        ];
        forces.iter().filter(|(force, _)| *force > 0.0).map(|(_, words)| (*words).to_owned()).collect()
    }

    /// Whether there is any.
    pub fn any(&self) -> bool {
        [self.spectrum, self.pixels, self.shape, self.lattice].iter().any(|force| *force > 0.0)
    }
}

/// What an export makes of a run's generator.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExportConfig {
    /// The moving average of the weights instead of the weights; wants `average_half_life_maps`.
    pub averaged: bool,
    /// Latent vectors on which the statistics of batch normalisation are measured anew; 0 keeps the running ones.
    pub statistics_maps: usize,
    /// Whether the last layer is made to draw no lattice where its inputs are at their means.
    pub last_layer_null: bool,
}

impl DiscriminatorConfig {
    /// How it differs from Table 2, in words; `None` where it does not.
    pub fn differs(&self) -> Option<String> {
        let mut words = Vec::new();
        if !self.batch_norm {
            words.push("without batch normalisation".to_owned());
        }
        match self.input {
            DiscriminatorInput::KappaScale => {}
            DiscriminatorInput::Deviation => words.push("input in standard deviations of the data".to_owned()),
            DiscriminatorInput::Asinh => words.push("input asinh of standard deviations of the data".to_owned()),
        }
        if self.gradient_penalty > 0.0 {
            words.push(format!("gradient penalty {}", self.gradient_penalty));
        }
        if self.noise > 0.0 {
            words.push(format!("noise {}", self.noise));
        }
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// Checks the values.
    ///
    /// # Errors
    /// Names the first one that is out of range.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [("rate", self.rate), ("last_layer_rate", self.last_layer_rate)] {
            if !(value > 0.0 && value.is_finite()) {
                bail!("[discriminator] {name} must be a positive number, got {value}");
            }
        }
        if !(self.gradient_penalty >= 0.0 && self.gradient_penalty.is_finite()) {
            bail!("[discriminator] gradient_penalty must be 0 or a positive number, got {}", self.gradient_penalty);
        }
        if !(self.noise >= 0.0 && self.noise.is_finite()) {
            bail!("[discriminator] noise must be 0 or a positive number, got {}", self.noise);
        }
        if self.gradient_penalty_every == 0 {
            bail!("[discriminator] gradient_penalty_every must be at least 1");
        }
        Ok(())
    }
}

impl ForcesConfig {
    /// Checks the values.
    ///
    /// # Errors
    /// Names the first one that is out of range.
    pub fn validate(&self) -> Result<()> {
        let forces = [
            ("spectrum", self.spectrum),
            ("correlations", self.correlations),
            ("pixels", self.pixels),
            ("shape", self.shape),
            ("lattice", self.lattice),
        ];
        if let Some((name, value)) = forces.iter().find(|(_, value)| !(*value >= 0.0 && value.is_finite())) {
            bail!("[forces] {name} must be 0 or a positive number, got {value}");
        }
        if !(self.half_life_maps > 0.0 && self.half_life_maps.is_finite()) {
            bail!("[forces] half_life_maps must be a positive number, got {}", self.half_life_maps);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_procedure_differs_in_nothing() {
        assert_eq!(
            (DiscriminatorConfig::default().differs(), ForcesConfig::default().statistics()),
            (None, Vec::new())
        );
        let without =
            DiscriminatorConfig { batch_norm: false, gradient_penalty: 2.0, ..DiscriminatorConfig::default() };
        assert_eq!(without.differs().unwrap(), "without batch normalisation, gradient penalty 2");
        let forces = ForcesConfig { spectrum: 1.0, lattice: 1.0, ..ForcesConfig::default() };
        assert_eq!(forces.statistics(), ["P(l), its scatter and correlations", "no phases that all maps share"]);
    }
}
