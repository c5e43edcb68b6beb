//! The two networks of the paper (Tables 1 and 2), stated once, as data.
//!
//! ```text
//! definition  sizes -> layers with names, shapes and activations   (nothing else in the project states a shape)
//! initial     layers -> seeded initial weights
//! inference   layers + weights -> burn modules, on any burn device (feature `burn`); the trainer builds tch ones
//! ```

pub mod definition;
#[cfg(feature = "burn")]
pub mod inference;
pub mod initial;

pub use definition::{Activation, Layer, NetworkDefinition, Operation, ParameterDefinition};
