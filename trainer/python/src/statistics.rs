//! Every statistic of maps, and two sets against each other.

use anyhow::{Context, Result, ensure};
use pyo3::{prelude::*, types::PyDict};
use shared::{
    ConvergenceMap,
    statistics::{StatisticsEdges, mask::Mask},
};
use trainer::evaluation::{arrays, comparison, measured::MeasuredMaps, options::TestOptions};

use crate::{
    arrays::{Maps, doubles, from_json, numbers, singles},
    raised,
};

/// Pixels that are used, of one mask for all maps or of one each.
struct Used {
    pixels: Vec<bool>,
    each: bool,
}

impl Used {
    fn of(given: &Bound<'_, PyAny>, maps: &Maps) -> PyResult<Self> {
        let (shape, values) = singles(given)?;
        let size = maps.pixels * maps.pixels;
        let each = match shape[..] {
            [rows, columns] if rows == maps.pixels && columns == maps.pixels => false,
            [count, rows, columns] if count == maps.count && rows == maps.pixels && columns == maps.pixels => true,
            _ => {
                let message = format!(
                    "a mask has the shape of a map or of all maps, [{0}, {0}] or [{1}, {0}, {0}], this one {shape:?}",
                    maps.pixels, maps.count
                );
                return Err(pyo3::exceptions::PyValueError::new_err(message));
            }
        };
        debug_assert!(values.len().is_multiple_of(size));
        Ok(Self { pixels: values.iter().map(|&value| value != 0.0).collect(), each })
    }

    fn map(&self, at: usize, size: usize) -> &[bool] {
        let at = if self.each { at } else { 0 };
        &self.pixels[at * size..(at + 1) * size]
    }
}

fn measured(maps: &Maps, side_angle: f64, used: Option<&Used>, edges: &StatisticsEdges) -> Result<MeasuredMaps> {
    ensure!(side_angle.is_finite() && side_angle > 0.0, "side_angle is the side of a map in degrees, got {side_angle}");
    MeasuredMaps::of_maps(maps.pixels, side_angle, maps.count, edges, |at| {
        let mut kappa = maps.map(at).to_vec();
        let mask = used.map(|used| used.map(at, kappa.len()).to_vec());
        let mask = mask.filter(|used| used.contains(&false)).map(|used| {
            for (kappa, &used) in kappa.iter_mut().zip(&used) {
                *kappa = if used { *kappa } else { 0.0 };
            }
            Mask::new(maps.pixels, used, 0.0)
        });
        let map = ConvergenceMap::new(side_angle, maps.pixels, kappa);
        Ok((map.with_context(|| format!("map {at}; what is to be left out needs a mask"))?, mask))
    })
}

/// Measures every statistic of maps [N, pixels, pixels], whose side is `side_angle` degrees.
#[pyfunction]
#[pyo3(signature = (maps, side_angle, *, mask=None, l_edges=None, thresholds=None, peak_thresholds=None, pdf_thresholds=None))]
#[allow(clippy::too_many_arguments, reason = "by name in Python")]
pub fn statistics<'py>(
    py: Python<'py>,
    maps: &Bound<'py, PyAny>,
    side_angle: f64,
    mask: Option<&Bound<'py, PyAny>>,
    l_edges: Option<&Bound<'py, PyAny>>,
    thresholds: Option<&Bound<'py, PyAny>>,
    peak_thresholds: Option<&Bound<'py, PyAny>>,
    pdf_thresholds: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let maps = Maps::of(maps)?;
    let used = mask.map(|mask| Used::of(mask, &maps)).transpose()?;
    let mut edges = StatisticsEdges::default();
    for (of, given) in [
        (&mut edges.ell, l_edges),
        (&mut edges.nu, thresholds),
        (&mut edges.peaks, peak_thresholds),
        (&mut edges.kappa, pdf_thresholds),
    ] {
        if let Some(given) = given {
            *of = doubles(given)?;
        }
    }
    let measured = py.detach(|| measured(&maps, side_angle, used.as_ref(), &edges)).map_err(raised)?;
    let found = PyDict::new(py);
    for array in arrays::arrays(&measured) {
        found.set_item(array.name, numbers(py, &array.shape, array.values)?)?;
    }
    Ok(found)
}

/// Asks whether two sets of maps are one population.
#[pyfunction]
#[pyo3(signature = (maps, against, side_angle, *, resamples=1000, seed=1))]
pub fn compare<'py>(
    py: Python<'py>,
    maps: &Bound<'py, PyAny>,
    against: &Bound<'py, PyAny>,
    side_angle: f64,
    resamples: u32,
    seed: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let [maps, against] = [Maps::of(maps)?, Maps::of(against)?];
    let compared = py.detach(|| {
        let edges = StatisticsEdges::default();
        let [a, b] = [measured(&maps, side_angle, None, &edges)?, measured(&against, side_angle, None, &edges)?];
        let options = TestOptions { resamples: resamples.max(1), seed };
        let comparison = comparison::compare(&a, &b, ["maps", "against"], options)?;
        Ok::<_, anyhow::Error>(serde_json::to_string(&comparison)?)
    });
    from_json(py, &compared.map_err(raised)?)
}
