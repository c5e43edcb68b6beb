//! The `trainer` command as a library, for its own program and the tests.
//!
//! ```text
//! simulate -> maps -> training -> commands::export -> public/weights
//!       |      |         |
//!     ray_tracing    evaluation -> report, public/reference
//! torch, networks   libtorch and the two networks in it
//! pictures, progress   what people look at
//! files             written whole or not at all
//! commands          one module a subcommand
//! ```

pub mod commands;
pub mod evaluation;
pub mod files;
pub mod maps;
pub mod networks;
pub mod pictures;
pub mod progress;
pub mod ray_tracing;
pub mod simulate;
pub mod torch;
pub mod training;
