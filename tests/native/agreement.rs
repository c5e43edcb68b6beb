//! libtorch, burn, PyTorch and the project's own inference compute the same maps and logits from the same file.

use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor, TensorData};
use shared::{
    formats::weights::{Precision, Weights},
    latent::latent,
    network::{
        DiscriminatorForm, NetworkDefinition,
        burn::{Discriminator, Generator, Kernels},
        cpu::{CpuDiscriminator, CpuGenerator, Workspace},
        definition::parameters,
        initial::Initialisation,
    },
};
use tests::{python, run_python, small};
use trainer::{
    torch::{Mode, TorchBackend, TorchNetwork, to_vec},
    weights::{LoadedWeights, onnx},
};

/// Largest difference between two backends in f32.
const TOLERANCE: f32 = 1e-5;

/// The paper's network; its scale is that of the shipped weights, so that the scale is tested at full size too.
fn full() -> NetworkDefinition {
    NetworkDefinition { kappa_scale: 0.125, ..NetworkDefinition::paper() }
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().chain(b).all(|value| value.is_finite()));
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Networks with batch statistics, scales and shifts as after training: the initial 0 and 1 would hide mistakes.
fn trained(definition: &NetworkDefinition) -> Result<(TorchNetwork, TorchNetwork)> {
    let cpu = tch::Device::Cpu;
    let generator = TorchNetwork::generator(definition, Initialisation::Paper, 3, cpu)?;
    let discriminator = TorchNetwork::discriminator(definition, DiscriminatorForm::paper(definition), 4, cpu)?;
    tch::no_grad(|| -> Result<()> {
        let last = format!("deconv{}.", definition.stages);
        for (name, tensor) in generator.named() {
            // Outputs stay where tanh bends: if all were -1 or 1 they would hide mistakes too.
            let factor = if name.starts_with(&last) { 0.5 } else { 3.0 };
            if name.ends_with("weight") {
                let _ = tensor.shallow_clone().f_mul_scalar_(factor)?;
            }
        }
        for pass in 0..2 {
            let latents: Vec<f32> = (0..4).flat_map(|map| latent(10 * pass + map, definition.latent_size)).collect();
            let latents = tch::Tensor::f_from_slice(&latents)?.f_view([4, definition.latent_size as i64, 1, 1])?;
            let maps = generator.forward(&latents, Mode::Training)?;
            let _ = discriminator.forward(&maps, Mode::Training)?;
        }
        Ok(())
    })?;
    Ok((generator, discriminator))
}

/// The maps of seeds 1 and 2 through libtorch, one after the other.
fn drawn(network: &TorchNetwork, definition: &NetworkDefinition) -> Result<Vec<f32>> {
    let backend = TorchBackend { network, device: tch::Device::Cpu };
    Ok(backend.generator(definition, 1.0, 2).draw_seeds([1, 2])?.concat())
}

fn agrees_with_burn(definition: &NetworkDefinition) -> Result<()> {
    let (generator, discriminator) = trained(definition)?;
    let (size, side) = (definition.latent_size, definition.map_side);
    let latents = [latent(1, size), latent(2, size)];
    let maps = drawn(&generator, definition)?;
    let spread = maps.iter().fold(0.0_f32, |largest, kappa| largest.max(kappa.abs()));
    assert!(spread > 1e-2 * definition.kappa_scale, "the maps are empty, so agreement would show nothing: {spread}");

    let device = Device::flex();
    let weights = Weights::read(generator.encode(Precision::F32)?, &parameters(&definition.generator()))?;
    let burn = Generator::new(definition, &weights, &device, Kernels::Burn)?;
    let input = Tensor::<2>::from_data(TensorData::new(latents.concat(), [2, size]), &device);
    let theirs = burn.forward(input).into_data().try_into_vec::<f32>().ok().context("burn's map is f32")?;
    let difference = largest_difference(&maps, &theirs);
    assert!(difference <= TOLERANCE, "generator: {difference:e}");

    let own = CpuGenerator::new(definition, &weights)?.draw(&latents.concat(), &mut Workspace::default())?;
    let difference = largest_difference(&maps, &own);
    assert!(difference <= TOLERANCE, "the own inference: {difference:e}");

    let weights = Weights::read(discriminator.encode(Precision::F32)?, &parameters(&definition.discriminator()))?;
    let burn = Discriminator::new(definition, &weights, &device)?;
    let input = Tensor::<4>::from_data(TensorData::new(maps.clone(), [2, 1, side, side]), &device);
    let judged = burn.forward(input).into_data().try_into_vec::<f32>().ok().context("burn's logit is f32")?;
    let input = tch::Tensor::f_from_slice(&maps)?.f_view([2, 1, side as i64, side as i64])?;
    let logits = tch::no_grad(|| to_vec(&discriminator.forward(&input, Mode::Inference)?))?;
    let own = CpuDiscriminator::new(definition, DiscriminatorForm::paper(definition), &weights)?;
    for (kappa, logit) in maps.chunks(side * side).zip(&logits) {
        let own = own.judge(kappa)?.logit;
        assert!((own - logit).abs() <= TOLERANCE, "discriminator: {own} {logit}");
    }
    let difference = largest_difference(&logits, &judged);
    assert!(difference <= TOLERANCE, "discriminator: {difference:e} of {logits:?}");
    Ok(())
}

#[test]
fn small_networks_agree_with_burn() -> Result<()> {
    agrees_with_burn(&small())
}

#[test]
fn the_papers_networks_agree_with_burn() -> Result<()> {
    agrees_with_burn(&full())
}

#[test]
fn pytorch_loads_the_file_and_draws_the_same_maps() -> Result<()> {
    let Some(interpreter) = python() else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let definition = full();
    let (generator, _) = trained(&definition)?;
    let [weights, latents, maps] =
        ["generator.safetensors", "latents.f32", "maps.f32"].map(|name| folder.path().join(name));
    std::fs::write(&weights, generator.encode(Precision::F32)?)?;
    let input = [latent(1, definition.latent_size), latent(2, definition.latent_size)];
    std::fs::write(&latents, input.concat().iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())?;
    run_python(&interpreter, "draw.py", &[&weights, &latents, &maps])?;
    let bytes = std::fs::read(&maps)?;
    let theirs: Vec<f32> =
        bytes.as_chunks::<4>().0.iter().map(|bytes| definition.kappa_scale * f32::from_le_bytes(*bytes)).collect();
    let difference = largest_difference(&drawn(&generator, &definition)?, &theirs);
    assert!(difference <= TOLERANCE, "{difference:e}");
    Ok(())
}

#[test]
fn onnxruntime_draws_the_same_maps_from_the_exported_model() -> Result<()> {
    let Some(interpreter) = python() else { return Ok(()) };
    let folder = tempfile::tempdir()?;
    let weights = LoadedWeights::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/weights"), None)?;
    let [model, latents, maps] = ["generator.onnx", "latents.f32", "maps.f32"].map(|name| folder.path().join(name));
    std::fs::write(&model, onnx::encode(&weights.manifest, &weights.generator)?)?;
    let network = &weights.manifest.network;
    let input = [latent(1, network.latent_size), latent(2, network.latent_size)].concat();
    std::fs::write(&latents, input.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())?;
    run_python(&interpreter, "run_onnx.py", &[&model, &latents, &maps])?;
    let bytes = std::fs::read(&maps)?;
    let theirs: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let own = CpuGenerator::new(network, &weights.generator)?.draw(&input, &mut Workspace::default())?;
    let difference = largest_difference(&own, &theirs);
    assert!(difference > 0.0 && difference <= TOLERANCE * network.kappa_scale, "{difference:e}");
    Ok(())
}
