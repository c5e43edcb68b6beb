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

/// A block of TensorFlow's index: a header of one file of data, and `w`, two numbers of f32 at its front.
const INDEX_BLOCK: &[u8] = b"\x00\x00\x02\x08\x01\x00\x01\x11w\x08\x01\x12\x04\x12\x02\x08\x02\x18\x00\x28\x08\x35\x00\x00\x00\x00\
    \x00\x00\x00\x00\x01\x00\x00\x00";

/// `{"w": tensor of 2 x 3}`, as torch.save wrote it before version 1.6.
const STATE_DICT: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}q\x00.\
    \x80\x02}q\x00X\x01\x00\x00\x00wq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\x00\x00\x00storageq\x03ctorch\nFloatStorage\nq\x04\
    X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\x06K\x06tq\x07QK\x00K\x02K\x03\x86q\x08K\x03K\x01\x86q\x09\x89ccollections\nOrderedDict\nq\x0a)R\
    q\x0btq\x0cRq\x0ds.\x80\x02]q\x00X\x01\x00\x00\x000q\x01a.\x06\x00\x00\x00\x00\x00\x00\x00012301230123012301230123";

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
        ("tensorflow", INDEX_BLOCK.to_vec()),
        ("pytorch", STATE_DICT.to_vec()),
        ("tensors", encode(&parameters, Precision::F16, ones)?),
    ] {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        fs::create_dir_all(&corpus)?;
        fs::write(corpus.join("valid"), bytes)?;
    }
    Ok(())
}
