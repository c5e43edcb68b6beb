//! The worker that every visitor loads: it draws on the processor, through the project's own inference.

use protocol::DeviceKind;
use shared::network::cpu::CpuGenerator;
use worker::{Failure, device::Device, serve};

fn main() {
    serve(|network, weights| {
        Box::pin(async move {
            let generator = CpuGenerator::new(&network, &weights)
                .map_err(|error| Failure::final_one(format!("The weights cannot be used: {error}.")))?;
            Ok(Device { kind: DeviceKind::Cpu, compute: Box::new(generator) })
        })
    });
}
