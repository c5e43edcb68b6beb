//! Writes a valid file of each format into the corpus of its target, so that the search begins behind the magic numbers.

use std::{error::Error, fs, path::Path};

use shared::{
    ConvergenceMap, Cosmology,
    formats::{
        fits::{self, FitsDescription, Keyword},
        npy,
        weights::{Precision, encode},
    },
    network::{NetworkDefinition, definition::parameters},
};

fn main() -> Result<(), Box<dyn Error>> {
    let kappa = [0.01, -0.02, 0.5, 0.0];
    let map = ConvergenceMap::new(0.865, 2, kappa.to_vec())?;
    let keywords = vec![("SEED", Keyword::Integer(1), "seed"), ("ORIGIN", Keyword::Text("it's long ".repeat(9)), "")];
    let description = FitsDescription { cosmology: Some(Cosmology::PAPER), source_redshift: Some(1.0), keywords };
    let sizes = NetworkDefinition { latent_size: 1, map_side: 2, base_channels: 1, stages: 1, ..NetworkDefinition::paper() };
    let parameters = parameters(&sizes.generator());
    let ones = |parameter: &shared::network::ParameterDefinition| vec![1.0; parameter.shape.iter().product()];
    let manifest = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../public/weights/manifest.json"))?;
    for (target, bytes) in [
        ("npy", npy::encode(2, 2, &kappa)),
        ("fits", fits::write(&map, &description)?),
        ("maps", npy::encode(2, 2, &kappa)),
        ("manifest", manifest),
        ("tensors", encode(&parameters, Precision::F16, ones)?),
    ] {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        fs::create_dir_all(&corpus)?;
        fs::write(corpus.join("valid"), bytes)?;
    }
    Ok(())
}
