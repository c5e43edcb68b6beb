//! The two networks of the paper (Tables 1 and 2), stated once, as data.
//!
//! ```text
//! definition  sizes -> layers with names, shapes and activations   (nothing else in the project states a shape)
//! folded      batch normalisation as a part of the layer before it
//! initial     layers -> seeded initial weights
//! generator   seeds or latent vectors -> maps, in batches, whatever computes them
//! cpu         layers + weights -> maps on any processor, natively and in wasm, the same bits
//! burn        layers + weights -> burn modules, on any burn device (feature `burn`); the trainer builds libtorch ones
//! ```

#[cfg(feature = "burn")]
pub mod burn;
pub mod cpu;
pub mod definition;
pub mod folded;
pub mod generator;
pub mod initial;

pub use definition::{Activation, DiscriminatorForm, Layer, NetworkDefinition, Operation, ParameterDefinition};
pub use generator::{DrawInput, MapGenerator};
