//! Loads weights and draws the map of a seed, the same that the page and `trainer generate` draw.
//!
//! ```sh
//! cargo run --release -p trainer --example draw_a_map -- public/weights 42 kappa.npy
//! ```

use std::path::PathBuf;

use anyhow::{Context, Result};
use shared::formats::npy;
use trainer::{
    drawing::{DeviceChoice, Drawer},
    weights::LoadedWeights,
};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map_or_else(|| PathBuf::from("public/weights"), PathBuf::from);
    let seed = arguments.next().map_or(Ok(0), |seed| seed.parse())?;
    let weights = LoadedWeights::read(&folder, None)?;
    let manifest = &weights.manifest;
    let drawer = Drawer::new(&manifest.network, &weights.generator, DeviceChoice::Cpu)?;
    let maps = drawer.generator(manifest, 1).draw_seeds([seed])?;
    let kappa = maps.first().context("no map was drawn")?;
    let peak = kappa.iter().copied().fold(f32::MIN, f32::max);
    println!("seed {seed}: {} pixels over {} degrees, highest kappa {peak:.4}", kappa.len(), manifest.side_angle);
    if let Some(path) = arguments.next() {
        let side = manifest.network.map_side;
        std::fs::write(&path, npy::encode(side, side, kappa)).with_context(|| format!("cannot write {path}"))?;
    }
    Ok(())
}
