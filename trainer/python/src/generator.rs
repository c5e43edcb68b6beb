//! Trained weights on the processor.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1, PyArrayDyn};
use pyo3::{exceptions::PyValueError, prelude::*};
use shared::{
    formats::weights::{Manifest, Precision},
    latent,
    network::{cpu::CpuGenerator, generator::DrawInput},
};
use trainer::{
    drawing::{DeviceChoice, Drawer, Generator as Drawing},
    weights::LoadedWeights,
};

use crate::{
    arrays::{from_json, numbers, singles},
    raised,
};

/// A trained generator, on the processor. A seed is the same map here, on the web page and in `trainer generate`.
#[pyclass(frozen, module = "cosmogan")]
pub struct Generator {
    manifest: Manifest,
    drawing: Drawing,
}

#[pymethods]
impl Generator {
    /// Reads weights: a folder with manifest.json, its manifest, or a file of tensors beside it.
    #[staticmethod]
    #[pyo3(signature = (folder, precision=None))]
    #[allow(clippy::needless_pass_by_value, reason = "pyo3 gives paths as values")]
    fn load(py: Python<'_>, folder: PathBuf, precision: Option<&str>) -> PyResult<Self> {
        let precision = match precision {
            None => None,
            Some("f16") => Some(Precision::F16),
            Some("f32") => Some(Precision::F32),
            Some(other) => {
                return Err(PyValueError::new_err(format!("precision is 'f16' or 'f32', not {other:?}")));
            }
        };
        py.detach(|| {
            let weights = LoadedWeights::read(&folder, precision)?;
            let drawer = Drawer::new(&weights.manifest.network, &weights.generator, DeviceChoice::Cpu)?;
            let drawing = drawer.generator(&weights.manifest, CpuGenerator::maps_at_once().clamp(16, 256));
            Ok(Self { manifest: weights.manifest, drawing })
        })
        .map_err(raised)
    }

    /// The maps of some seeds: kappa [len(seeds), pixels, pixels]; of one seed [pixels, pixels].
    fn draw<'py>(&self, py: Python<'py>, seeds: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let (seeds, single) = match seeds.extract::<u64>() {
            Ok(seed) => (vec![seed], true),
            Err(error) if !seeds.hasattr("__iter__")? => return Err(error),
            Err(_) => {
                let seed = |seed: PyResult<Bound<'py, PyAny>>| seed?.extract::<u64>();
                (seeds.try_iter()?.map(seed).collect::<PyResult<Vec<_>>>()?, false)
            }
        };
        let inputs: Vec<_> = seeds.into_iter().map(|seed| DrawInput::of_seed(seed, &self.manifest.network)).collect();
        self.drawn(py, &inputs, single)
    }

    /// The maps of latent vectors [N, latent_size], or of one [latent_size].
    fn draw_latent<'py>(&self, py: Python<'py>, z: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let size = self.manifest.network.latent_size;
        let (shape, values) = singles(z)?;
        if shape.last() != Some(&size) || shape.len() > 2 {
            return Err(PyValueError::new_err(format!(
                "latent vectors have shape [N, {size}] or [{size}], these {shape:?}"
            )));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(PyValueError::new_err("a latent vector is not finite"));
        }
        let inputs: Vec<_> = values.chunks(size).map(|z| DrawInput::of_latent(z.to_vec())).collect();
        self.drawn(py, &inputs, shape.len() == 1)
    }

    /// The latent vector of a seed.
    fn latent<'py>(&self, py: Python<'py>, seed: u64) -> Bound<'py, PyArray1<f32>> {
        latent::latent(seed, self.latent_size()).into_pyarray(py)
    }

    /// Pixels along the side of a map.
    #[getter]
    fn pixels(&self) -> usize {
        self.manifest.network.map_side
    }

    /// Side of a map in degrees.
    #[getter]
    fn side_angle(&self) -> f64 {
        self.manifest.side_angle
    }

    /// Numbers in a latent vector.
    #[getter]
    fn latent_size(&self) -> usize {
        self.manifest.network.latent_size
    }

    /// What the weights are.
    #[getter]
    fn manifest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, &self.manifest.to_json().map_err(|error| raised(error.into()))?)
    }

    fn __repr__(&self) -> String {
        let side = self.pixels();
        format!(
            "<cosmogan.Generator: z of {}, maps of {side} x {side} pixels and {} degrees>",
            self.latent_size(),
            self.side_angle()
        )
    }
}

impl Generator {
    fn drawn<'py>(&self, py: Python<'py>, inputs: &[DrawInput], single: bool) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let (count, side) = (inputs.len(), self.pixels());
        let kappa = py.detach(|| self.drawing.draw_now(inputs)).map_err(raised)?;
        let shape = if single { vec![side, side] } else { vec![count, side, side] };
        numbers(py, &shape, kappa.into_iter().flatten().collect())
    }
}
