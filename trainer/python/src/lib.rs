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

use std::sync::atomic::{AtomicU32, Ordering};

use numpy::PyArray1;
use pyo3::{
    PyErr,
    exceptions::{PyOSError, PyRuntimeError, PyValueError},
    prelude::*,
};

/// The process in which the pool of threads was started; 0 before.
static STARTED_IN: AtomicU32 = AtomicU32::new(0);

/// Begins a computation on all threads: those of a process do not outlive a fork of it, and would be waited for without end.
fn begin() -> PyResult<()> {
    let process = std::process::id();
    match STARTED_IN.compare_exchange(0, process, Ordering::Relaxed, Ordering::Relaxed) {
        Err(started) if started != process => Err(PyRuntimeError::new_err(
            "this process was forked from one that had computed with cosmogan already, and has none of its threads: start worker \
             processes with multiprocessing.get_context('spawn')",
        )),
        _ => Ok(()),
    }
}

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
    trainer::progress::be_silent();
    // NumPy's interface is fetched now: Ctrl-C during a first call would end that in a panic.
    drop(PyArray1::<f32>::zeros(module.py(), 1, false));
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<generator::Generator>()?;
    module.add_function(wrap_pyfunction!(statistics::statistics, module)?)?;
    module.add_function(wrap_pyfunction!(statistics::compare, module)?)
}
