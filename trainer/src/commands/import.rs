//! `trainer import`: weights of other programs as weights for the page and for `generate`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::{ArgGroup, Args};
use shared::{
    Cosmology,
    formats::weights::{ImportRecord, Origin, Precision, encode},
    network::{DiscriminatorForm, Layer, NetworkDefinition, definition::parameters},
};
use storage::{files::check_free, maps::description::side_angle_of};

use crate::weights::{
    WeightsPrecision,
    import::{
        Imported, Tensors,
        archive::CheckpointFiles,
        pytorch,
        tensorflow::{self, DataFormat},
    },
    write::{EncodedWeights, WEIGHTS_FILES},
};

/// Side of the authors' maps in degrees: a quarter of that of their planes.
const AUTHORS_SIDE_ANGLE: f64 = 0.865;

/// Bring weights of other programs into this form, for the page, for `generate`, `export --onnx` and `evaluate`.
///
/// --tensorflow takes the authors' checkpoint (github.com/MustafaMustafa/cosmoGAN), as a folder, by its name or as the tar that it is
/// downloaded as. Its maps come out turned by half a turn, since padding lies at the other end there; nothing else differs.
/// --pytorch takes a state_dict, as safetensors or as torch.save wrote it, with our names (fc, bn0, deconv1, ...; those of `trainer
/// export`), or the generator of cosmogan_pytorch, as its checkpoints hold it. Nothing in a file is run.
///
/// Examples:
///   trainer import --tensorflow cosmoGAN_pretrained_weights.tar --out weights
///   trainer import --pytorch generator.pt --side-angle 0.865 --out weights
#[derive(Args)]
#[command(verbatim_doc_comment, group(ArgGroup::new("from").required(true).args(["tensorflow", "pytorch"])))]
pub struct ImportArguments {
    /// Checkpoint of the authors' program: its folder, its name without .index, or a tar of it
    #[arg(long, value_name = "CHECKPOINT")]
    tensorflow: Option<PathBuf>,
    /// state_dict of PyTorch: .safetensors, .pt, .pth, .tar; needs --side-angle
    #[arg(long, value_name = "FILE")]
    pytorch: Option<PathBuf>,
    /// Folder to write manifest.json and the weights to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Which state_dict of --pytorch is meant, by its key, where the file holds several generators
    #[arg(long, value_name = "KEY", conflicts_with = "tensorflow")]
    state: Option<String>,
    /// Side of the maps in degrees; 0.865, the authors', for --tensorflow
    #[arg(long, value_name = "DEGREES", value_parser = side_angle_of)]
    side_angle: Option<f64>,
    /// Kappa that the generator's tanh at 1 stands for
    #[arg(long, default_value_t = 1.0)]
    kappa_scale: f32,
    /// The maps that it was trained on, in words
    #[arg(long, value_name = "TEXT")]
    data: Option<String>,
    /// Order of the axes in TensorFlow's graph: that of the graph beside the checkpoint, otherwise NHWC
    #[arg(long, conflicts_with = "pytorch", ignore_case = true)]
    data_format: Option<DataFormat>,
    /// Precisions to write
    #[arg(long, value_delimiter = ',', default_values = ["f16", "f32"])]
    precision: Vec<WeightsPrecision>,
    /// Leave the discriminator out
    #[arg(long)]
    generator_alone: bool,
    /// Replace the weights that are there
    #[arg(long)]
    force: bool,
}

/// Runs the command.
///
/// # Errors
/// When the file is damaged, of another network, or holds code, or the output cannot be written.
pub fn run(arguments: &ImportArguments) -> Result<()> {
    ensure!(!arguments.out.is_file(), "{} is a file: give --out a folder", arguments.out.display());
    ensure!(
        arguments.side_angle.is_some() || arguments.pytorch.is_none(),
        "--pytorch needs --side-angle: a state_dict does not say how large its maps are on the sky"
    );
    if arguments.out.exists() {
        for name in WEIGHTS_FILES {
            check_free(&arguments.out.join(name), arguments.force)?;
        }
    }
    let imported = match (&arguments.tensorflow, &arguments.pytorch) {
        (Some(path), _) => {
            let files = CheckpointFiles::find(path)?;
            tensorflow::read(&files, arguments.data_format).with_context(|| path.display().to_string())?
        }
        (None, Some(path)) => {
            pytorch::read(path, arguments.state.as_deref()).with_context(|| path.display().to_string())?
        }
        (None, None) => bail!("give --tensorflow CHECKPOINT or --pytorch FILE"),
    };
    let network = NetworkDefinition { kappa_scale: arguments.kappa_scale, ..imported.network.clone() };
    network.validate()?;
    let side_angle = arguments.side_angle.unwrap_or(AUTHORS_SIDE_ANGLE);
    let generator = |precision| encoded(&network.generator(), &imported.generator, precision);
    let precisions = arguments.precision.iter().map(|&precision| Precision::from(precision));
    let shown = || {
        arguments.tensorflow.iter().chain(&arguments.pytorch).map(|path| path.display().to_string()).collect::<String>()
    };
    let mut weights = EncodedWeights::new(generator, &network, side_angle, precisions).with_context(shown)?;
    let mut parts = "generator";
    if let Some((batch_norm, tensors)) = imported.discriminator.as_ref().filter(|_| !arguments.generator_alone) {
        let form = DiscriminatorForm { batch_norm: *batch_norm, ..DiscriminatorForm::paper(&network) };
        weights = weights
            .with_discriminator(form, encoded(&form.layers(&network), tensors, Precision::F16).with_context(shown)?)?;
        parts = "generator and discriminator";
    }
    let manifest = weights.write(&arguments.out, origin(arguments, &imported), Vec::new())?;
    crate::say!("{}: {parts}, from {}", arguments.out.display(), imported.source);
    crate::say!(
        "  {} numbers to maps of {} x {} pixels and {} degrees; trained on: {}",
        network.latent_size,
        network.map_side,
        network.map_side,
        manifest.side_angle,
        manifest.origin.data()
    );
    for note in &imported.notes {
        eprintln!("note: {note}");
    }
    Ok(())
}

fn encoded(layers: &[Layer], tensors: &Tensors, precision: Precision) -> Result<Vec<u8>> {
    let values = |name: &str| tensors.get(name).map(|tensor| tensor.values.clone()).unwrap_or_default();
    Ok(encode(&parameters(layers), precision, |parameter| values(&parameter.name))?)
}

/// Where the weights come from. A checkpoint of the paper's own sizes that nobody says otherwise of is taken for the authors'.
fn origin(arguments: &ImportArguments, imported: &Imported) -> Origin {
    let authors =
        arguments.tensorflow.is_some() && arguments.data.is_none() && imported.network == NetworkDefinition::paper();
    let data = match &arguments.data {
        Some(data) => data.clone(),
        None if authors => "the authors' simulations (Mustafa et al. 2019, Section 2.2)".into(),
        None => "not known".into(),
    };
    Origin::Imported(ImportRecord {
        source: imported.source.clone(),
        sha256: imported.sha256.clone(),
        data,
        cosmology: authors.then_some(Cosmology::PAPER),
        source_redshift: authors.then_some(1.0),
    })
}
