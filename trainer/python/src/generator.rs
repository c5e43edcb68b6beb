//! Trained weights on the processor.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1, PyArrayDyn, PyArrayMethods};
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
    arrays::{from_json, singles},
    begin, raised,
};

/// Most maps that are drawn at once, where it is not known beforehand how many are asked for.
const MOST_MAPS: usize = 10_000_000;

/// A trained generator, on the processor. A seed is the same map here, on the web page and in `trainer generate`.
#[pyclass(frozen, module = "cosmogan")]
pub struct Generator {
    manifest: Manifest,
    drawing: Drawing,
}

#[pymethods]
impl Generator {
    /// Reads weights: a folder with manifest.json, as `trainer export` and `trainer import` write it, its manifest, or a file of
    /// tensors beside it. Without a precision the most precise file that is there.
    ///
    /// Raises OSError where they cannot be read, ValueError where they are not what their manifest says.
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
        begin()?;
        py.detach(|| {
            let weights = LoadedWeights::read(&folder, precision)?;
            let drawer = Drawer::new(&weights.manifest.network, &weights.generator, DeviceChoice::Cpu)?;
            let drawing = drawer.generator(&weights.manifest, CpuGenerator::maps_at_once().clamp(16, 256));
            Ok(Self { manifest: weights.manifest, drawing })
        })
        .map_err(raised)
    }

    /// The maps of some seeds, whole numbers from 0 to 2**64 - 1: kappa [len(seeds), pixels, pixels]; of one seed [pixels, pixels].
    ///
    /// Raises ValueError for what is no seed, MemoryError where so many maps have no room.
    fn draw<'py>(&self, py: Python<'py>, seeds: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let seed = |seed: &Bound<'py, PyAny>| {
            let wrong =
                |_| PyValueError::new_err(format!("seeds are whole numbers from 0 to 2**64 - 1, this one is {seed}"));
            seed.extract::<u64>().map_err(wrong)
        };
        if !seeds.hasattr("__iter__")? || seeds.extract::<u64>().is_ok() {
            return self.drawn(py, &[self.of_seed(seed(seeds)?)], true);
        }
        // The maps of those that are known to come have to have room before they are looked at.
        if let Ok(count) = seeds.len() {
            drop(self.room(py, count, false)?);
        }
        let mut inputs = Vec::new();
        for one in seeds.try_iter()? {
            inputs.push(self.of_seed(seed(&one?)?));
            if inputs.len() > MOST_MAPS {
                return Err(PyValueError::new_err(format!("more than {MOST_MAPS} seeds: draw fewer at a time")));
            }
        }
        self.drawn(py, &inputs, false)
    }

    /// The maps of latent vectors [N, latent_size], or of one [latent_size]: kappa [N, pixels, pixels], or [pixels, pixels].
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

    /// The latent vector of a seed: latent_size numbers of a standard normal distribution.
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

    /// What the weights are: sizes, training or origin, how far P(l) is from the data's.
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
    fn of_seed(&self, seed: u64) -> DrawInput {
        DrawInput::of_seed(seed, &self.manifest.network)
    }

    /// An array for so many maps; MemoryError where there is no room.
    fn room<'py>(&self, py: Python<'py>, count: usize, single: bool) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let side = self.pixels();
        let shape = if single { vec![side, side] } else { vec![count, side, side] };
        let empty = py.import("numpy")?.call_method1("empty", (shape, "float32"))?;
        Ok(empty.cast_into::<PyArrayDyn<f32>>()?)
    }

    /// Draws batch by batch, and looks between for Ctrl-C.
    fn drawn<'py>(&self, py: Python<'py>, inputs: &[DrawInput], single: bool) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        begin()?;
        let array = self.room(py, inputs.len(), single)?;
        {
            let mut writable = array.readwrite();
            let mut room = writable.as_slice_mut()?.chunks_exact_mut(self.manifest.network.map_pixels());
            for batch in inputs.chunks(self.drawing.batch()) {
                let maps = py.detach(|| self.drawing.draw_now(batch)).map_err(raised)?;
                for (room, map) in room.by_ref().zip(&maps) {
                    room.copy_from_slice(map);
                }
                py.check_signals()?;
            }
        }
        Ok(array)
    }
}
