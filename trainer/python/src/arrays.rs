//! NumPy's arrays as maps, and numbers as NumPy's arrays.

use numpy::{IntoPyArray, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods, ndarray::ArrayD};
use pyo3::{exceptions::PyValueError, intern, prelude::*, types::PyDict};

/// Most edges of bins: more than a map has Fourier modes.
const MOST_EDGES: usize = 1_000_000;

/// Anything that NumPy makes an array of, in single precision, row-major: its shape and numbers.
pub fn singles(given: &Bound<'_, PyAny>) -> PyResult<(Vec<usize>, Vec<f32>)> {
    let array = converted::<f32>(given, "float32")?;
    Ok((array.shape().to_vec(), array.as_slice()?.to_vec()))
}

/// Edges of bins, in double precision.
pub fn edges(given: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let edges = converted::<f64>(given, "float64")?;
    if edges.ndim() != 1 || edges.len() > MOST_EDGES {
        let shape = edges.shape();
        return Err(PyValueError::new_err(format!(
            "edges are one row of at most {MOST_EDGES}, these have shape {shape:?}"
        )));
    }
    Ok(edges.as_slice()?.to_vec())
}

fn converted<'py, T: numpy::Element>(given: &Bound<'py, PyAny>, kind: &str) -> PyResult<PyReadonlyArrayDyn<'py, T>> {
    let py = given.py();
    let numpy = py.import(intern!(py, "numpy"))?;
    let masked = numpy.getattr(intern!(py, "ma"))?.call_method1(intern!(py, "isMaskedArray"), (given,))?;
    if masked.is_truthy()? {
        let message = "this is a masked array, whose mask would be lost: give array.filled(0) and mask=~array.mask";
        return Err(PyValueError::new_err(message));
    }
    let array = numpy.call_method1(intern!(py, "asarray"), (given,))?;
    let dtype = array.getattr(intern!(py, "dtype"))?;
    let letter: String = dtype.getattr(intern!(py, "kind"))?.extract()?;
    if !"fiub".contains(&letter) {
        return Err(PyValueError::new_err(format!("real numbers are wanted, these are of type {dtype}")));
    }
    let options = PyDict::new(py);
    options.set_item(intern!(py, "dtype"), kind)?;
    let array = numpy.call_method(intern!(py, "ascontiguousarray"), (array,), Some(&options))?;
    Ok(array.cast_into::<PyArrayDyn<T>>()?.readonly())
}

/// Maps of one size.
pub struct Maps {
    /// How many.
    pub count: usize,
    /// Pixels along a side.
    pub pixels: usize,
    /// `[count, pixels, pixels]`.
    pub kappa: Vec<f32>,
}

impl Maps {
    /// Of `[N, pixels, pixels]`, or of one map `[pixels, pixels]`.
    pub fn of(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (shape, kappa) = singles(given)?;
        let (count, rows, columns) = match shape[..] {
            [rows, columns] => (1, rows, columns),
            [count, rows, columns] | [count, 1, rows, columns] => (count, rows, columns),
            _ => return Err(PyValueError::new_err(format!("maps have shape [N, pixels, pixels], these {shape:?}"))),
        };
        if rows != columns || count == 0 {
            return Err(PyValueError::new_err(format!("maps are square and at least one, these have shape {shape:?}")));
        }
        Ok(Self { count, pixels: rows, kappa })
    }

    /// Kappa of one map.
    pub fn map(&self, at: usize) -> &[f32] {
        let size = self.pixels * self.pixels;
        &self.kappa[at * size..(at + 1) * size]
    }
}

/// Numbers of this shape.
pub fn numbers<'py, T: numpy::Element>(
    py: Python<'py>,
    shape: &[usize],
    values: Vec<T>,
) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    let array = ArrayD::from_shape_vec(shape, values).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(array.into_pyarray(py))
}

/// JSON as Python's dictionaries and lists.
pub fn from_json<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import(intern!(py, "json"))?.call_method1(intern!(py, "loads"), (json,))
}
