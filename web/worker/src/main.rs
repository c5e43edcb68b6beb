//! The worker that every visitor loads: it draws on the processor, through the project's own inference.

use std::rc::Rc;

use protocol::DeviceKind;
use shared::network::cpu::{CpuGenerator, Workspace};
use worker::{Failure, device::Device, serve};

fn main() {
    serve(|network, weights| {
        Box::pin(async move {
            let generator = CpuGenerator::new(&network, &weights)
                .map_err(|error| Failure::final_one(format!("The weights cannot be used: {error}.")))?;
            let generator = Rc::new(generator);
            let same = Rc::clone(&generator);
            let layers = move |latent: &[f32]| Ok(same.activations(latent, &mut Workspace::default())?);
            Ok(Device { kind: DeviceKind::Cpu, compute: Box::new(generator), layers: Some(Box::new(layers)) })
        })
    });
}
