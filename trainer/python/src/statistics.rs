//! Every statistic of maps, and two sets against each other.

use anyhow::{Context, Result, ensure};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};
use shared::{
    ConvergenceMap,
    formats::maps::content::blank,
    statistics::{StatisticsEdges, mask::Mask},
};
use trainer::evaluation::{arrays, comparison, measured::MeasuredMaps, options::TestOptions};

use crate::{
    arrays::{Maps, edges as edges_of, from_json, numbers, singles},
    begin, raised,
};

/// Maps that are measured before Ctrl-C is looked for.
const MAPS_AT_A_TIME: usize = 256;

/// Pixels that are used, of one mask for all maps or of one each.
struct Used {
    pixels: Vec<bool>,
    each: bool,
}

impl Used {
    fn of(given: &Bound<'_, PyAny>, maps: &Maps) -> PyResult<Self> {
        let (shape, values) = singles(given)?;
        let each = match shape[..] {
            [rows, columns] if rows == maps.pixels && columns == maps.pixels => false,
            [count, rows, columns] if count == maps.count && rows == maps.pixels && columns == maps.pixels => true,
            _ => {
                let message = format!(
                    "a mask has the shape of a map or of all maps, [{0}, {0}] or [{1}, {0}, {0}], this one {shape:?}",
                    maps.pixels, maps.count
                );
                return Err(PyValueError::new_err(message));
            }
        };
        if values.iter().any(|&value| value != 0.0 && value != 1.0) {
            let message = "a mask is 0 where pixels are left out and 1 elsewhere";
            return Err(PyValueError::new_err(message));
        }
        Ok(Self { pixels: values.iter().map(|&value| value != 0.0).collect(), each })
    }

    fn map(&self, at: usize, size: usize) -> &[bool] {
        let at = if self.each { at } else { 0 };
        &self.pixels[at * size..(at + 1) * size]
    }
}

/// Measures so many maps from one on.
fn measured(
    maps: &Maps,
    [first, count]: [usize; 2],
    side_angle: f64,
    used: Option<&Used>,
    edges: &StatisticsEdges,
) -> Result<MeasuredMaps> {
    ensure!(side_angle.is_finite() && side_angle > 0.0, "side_angle is the side of a map in degrees, got {side_angle}");
    MeasuredMaps::of_maps(maps.pixels, side_angle, count, edges, |at| {
        let at = first + at;
        let mut kappa = maps.map(at).to_vec();
        let mask = used.map(|used| used.map(at, kappa.len()).to_vec());
        let mask = mask.filter(|used| used.contains(&false)).map(|used| {
            blank(&mut kappa, &used);
            Mask::new(maps.pixels, used, 0.0)
        });
        ensure!(
            kappa.iter().all(|kappa| kappa.is_finite()),
            "map {at} holds values that are not finite: what is to be left out needs a mask"
        );
        let map = ConvergenceMap::new(side_angle, maps.pixels, kappa).with_context(|| format!("map {at}"))?;
        Ok((map, mask))
    })
}

/// Measures all maps, some at a time, and looks between for Ctrl-C.
fn interruptible(
    py: Python<'_>,
    maps: &Maps,
    side_angle: f64,
    used: Option<&Used>,
    edges: &StatisticsEdges,
) -> PyResult<MeasuredMaps> {
    begin()?;
    let mut all: Option<MeasuredMaps> = None;
    for first in (0..maps.count).step_by(MAPS_AT_A_TIME) {
        let range = [first, MAPS_AT_A_TIME.min(maps.count - first)];
        let some = py.detach(|| measured(maps, range, side_angle, used, edges)).map_err(raised)?;
        match &mut all {
            Some(all) => all.maps.extend(some.maps),
            None => all = Some(some),
        }
        py.check_signals()?;
    }
    all.ok_or_else(|| PyValueError::new_err("there are no maps"))
}

/// Measures every statistic of maps [N, pixels, pixels], or of one, whose side is `side_angle` degrees. Kappa is taken in float32.
///
/// `mask` [pixels, pixels] or [N, pixels, pixels] is 0 where pixels are left out and 1 elsewhere: of a masked array `~maps.mask`. `l_edges` are multipoles; `thresholds` (of the Minkowski
/// functionals) and `peak_thresholds` are in units of each map's sigma, `pdf_thresholds` in kappa; the paper's where they are not given. Two thirds of the time
/// go into two_point and bispectrum, which False leaves out.
///
/// The arrays, by name, NaN where a value does not exist:
///
/// ell [B], power_spectrum [N, B]: P(l) in steradians, LensTools' ConvergenceMap.powerSpectrum
/// nu [B], v0, v1, v2 [N, B]: area, boundary per pixel, genus per pixel, LensTools' minkowskiFunctionals
/// peak_nu [B], peaks [N, B]: peaks per unit of nu, LensTools' peakCount
/// minimum_nu [B], minima [N, B]: minima per unit of nu
/// kappa [B], pdf [N, B]: density of pixel values, LensTools' pdf
/// theta [B], two_point [N, B]: xi(theta), theta in arcminutes
/// triangle_ell [B], bispectrum [N, B]: B(l, l, l) in steradians^2
/// moments [N, 9]: sigma0, sigma1, S0, S1, S2, K0, K1, K2, K3, LensTools' moments(connected=True)
/// mean, sigma, masked [N]: of kappa; share of pixels left out
///
/// Raises ValueError where maps are not square, not finite where they are not masked, or edges do not rise.
#[pyfunction]
#[pyo3(signature = (maps, side_angle, *, mask=None, l_edges=None, thresholds=None, peak_thresholds=None, pdf_thresholds=None, two_point=true, bispectrum=true))]
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
    two_point: bool,
    bispectrum: bool,
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
            *of = edges_of(given)?;
        }
    }
    for (of, asked) in [(&mut edges.theta, two_point), (&mut edges.triangles, bispectrum)] {
        if !asked {
            of.clear();
        }
    }
    let measured = interruptible(py, &maps, side_angle, used.as_ref(), &edges)?;
    let found = PyDict::new(py);
    for array in arrays::arrays(&measured) {
        found.set_item(array.name, numbers(py, &array.shape, array.values)?)?;
    }
    Ok(found)
}

/// Asks whether two sets of maps, [N, pixels, pixels] and [M, pixels, pixels], are one population: what `trainer compare --json`
/// writes as "comparison". Per statistic and bin Kolmogorov-Smirnov and Anderson-Darling tests with p-values by permutation and bootstrap, per
/// statistic one p-value of all bins by permutation of whole maps ("ks"/"ad" -> "together"), the pixels' densities, the correlation matrices
/// of P(l), and ratios of its mean and sigma in wide bands.
///
/// Raises ValueError where the sets cannot be compared, or resamples are fewer than 10.
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
    if resamples < 10 {
        return Err(PyValueError::new_err("resamples must be at least 10: p-values are shares of them"));
    }
    let edges = StatisticsEdges::default();
    let a = interruptible(py, &maps, side_angle, None, &edges)?;
    let b = interruptible(py, &against, side_angle, None, &edges)?;
    let compared = py.detach(|| {
        let options = TestOptions { resamples, seed };
        let comparison = comparison::compare(&a, &b, ["maps", "against"], options)?;
        Ok::<_, anyhow::Error>(serde_json::to_string(&comparison)?)
    });
    from_json(py, &compared.map_err(raised)?)
}
