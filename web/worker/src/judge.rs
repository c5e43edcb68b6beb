//! The discriminator beside the generator, loaded when it is first asked.

use shared::{
    formats::weights::{DiscriminatorWeights, Manifest, Weights},
    network::{NetworkDefinition, cpu::CpuDiscriminator, definition::parameters},
};

use crate::{
    download::{download_weights, sha256},
    messages::Failure,
};

/// The discriminator of the weights that draw, where they have one.
pub enum Judge {
    /// They have none, or came without it.
    None,
    /// It lies in a folder at an address.
    At(String, NetworkDefinition, DiscriminatorWeights),
    /// It is loaded.
    Loaded(CpuDiscriminator),
}

impl Judge {
    /// That of a folder's weights.
    pub fn of(manifest: &Manifest, address: &str) -> Self {
        match &manifest.discriminator {
            Some(weights) => Self::At(address.to_owned(), manifest.network.clone(), weights.clone()),
            None => Self::None,
        }
    }

    /// Asks it about a map.
    ///
    /// # Errors
    /// When there is none, it cannot be loaded, or the map is of another size.
    pub async fn judge(&mut self, kappa: &[f32]) -> Result<f32, Failure> {
        if let Self::At(address, network, weights) = self {
            *self = Self::Loaded(load(address, network, weights).await?);
        }
        match self {
            Self::Loaded(discriminator) => Ok(discriminator.judge(kappa)?.logit),
            _ => Err(Failure::final_one("These weights came without the network that judged them.")),
        }
    }
}

async fn load(
    address: &str,
    network: &NetworkDefinition,
    weights: &DiscriminatorWeights,
) -> Result<CpuDiscriminator, Failure> {
    let unusable =
        |error| Failure::final_one(format!("The discriminator was not used: {error}. Please reload the page."));
    let file = &weights.file;
    let bytes = download_weights(address, file, |_| {}).await?;
    file.verify_digest(bytes.len() as u64, sha256(&bytes).await).map_err(unusable)?;
    let tensors = Weights::read(bytes, &parameters(&weights.form.layers(network))).map_err(unusable)?;
    CpuDiscriminator::new(network, weights.form, &tensors).map_err(unusable)
}
