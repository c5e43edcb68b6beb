//! The Python package `cosmogan`: generation, statistics and comparison of maps. Its documentation for users is `cosmogan.pyi`.
//!
//! ```text
//! arrays      NumPy's arrays as maps, and numbers as NumPy's arrays
//! generator   trained weights on the processor
//! statistics  every statistic of maps, and two sets against each other
//! ```

mod arrays;
mod generator;
mod statistics;

use pyo3::{
    PyErr,
    exceptions::{PyOSError, PyValueError},
    prelude::*,
};

/// An error as Python's: OSError where a file cannot be read, ValueError for whatever else is wrong with what was given.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn raised(error: anyhow::Error) -> PyErr {
    let message = format!("{error:#}");
    if error.chain().any(<dyn std::error::Error>::is::<std::io::Error>) {
        PyOSError::new_err(message)
    } else {
        PyValueError::new_err(message)
    }
}

/// Weak-lensing convergence maps: drawn by CosmoGAN, measured, compared.
#[pymodule]
fn cosmogan(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<generator::Generator>()?;
    module.add_function(wrap_pyfunction!(statistics::statistics, module)?)?;
    module.add_function(wrap_pyfunction!(statistics::compare, module)?)
}
