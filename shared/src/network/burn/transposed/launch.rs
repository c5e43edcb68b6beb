//! The kernel as an operation of burn's tensors.

use burn::{
    backend::{
        Backend, Dispatch, backend_extension,
        tensor::FloatTensor,
        wgpu::{CubeBackend, CubeDim, CubeTensor, KernelSource, SourceKernel, SourceTemplate, into_contiguous},
    },
    cubecl::{
        prelude::{CubeCount, KernelId},
        server::KernelArguments,
    },
    tensor::{Shape, Tensor},
};

use super::shader::{INVOCATIONS, Shader};
use crate::network::definition::STRIDE;

/// Features `[n, inputs, h, w]` to `[n, outputs, 2h, 2w]`, with kernels and bias as the shader reads them.
pub fn transposed_convolution(features: Tensor<4>, kernels: Tensor<1>, bias: Tensor<1>, shader: &Shader) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as TransposedConvolutions>::transposed_convolution(
        features.into_dispatch(),
        kernels.into_dispatch(),
        bias.into_dispatch(),
        *shader,
    ))
}

/// What burn's backends are taught.
#[backend_extension(Cube)]
trait TransposedConvolutions: Backend {
    fn transposed_convolution(
        features: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        shader: Shader,
    ) -> FloatTensor<Self>;
}

impl TransposedConvolutions for CubeBackend {
    fn transposed_convolution(
        features: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        shader: Shader,
    ) -> FloatTensor<Self> {
        let [features, kernels, bias] = [features, kernels, bias].map(into_contiguous);
        let maps = features.meta.shape()[0];
        let shape = Shape::new([maps, shader.outputs, STRIDE * shader.height, STRIDE * shader.width]);
        let (client, device, dtype) = (features.client.clone(), features.device.clone(), features.dtype);
        let memory = client.empty(shape.num_elements() * dtype.size());
        let output = CubeTensor::new_contiguous(client.clone(), device, shape, memory, dtype);
        let [across, down] = shader.tiles().map(|count| count as u32);
        let arguments = KernelArguments::new().with_buffers(vec![
            features.handle.binding(),
            kernels.handle.binding(),
            bias.handle.binding(),
            output.handle.clone().binding(),
        ]);
        let invocations = CubeDim::new_2d(INVOCATIONS[0] as u32, INVOCATIONS[1] as u32);
        client.launch(
            Box::new(SourceKernel::new(shader, invocations)),
            CubeCount::Static(across, down, (maps * shader.groups()) as u32),
            arguments,
        );
        output
    }
}

impl KernelSource for Shader {
    fn source(&self) -> SourceTemplate {
        SourceTemplate::new(self.text())
    }

    fn id(&self) -> KernelId {
        KernelId::new::<Self>().info(*self)
    }

    fn lang(&self) -> &'static str {
        "wgsl"
    }
}
