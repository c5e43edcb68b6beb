//! The `trainer` command as a library, for its own program and the tests.
//!
//! ```text
//! maps -> training -> commands::export -> public/weights
//! torch, networks   libtorch and the two networks in it
//! commands          one module a subcommand
//! ```

pub mod commands;
pub mod evaluation;
pub mod maps;
pub mod networks;
pub mod progress;
pub mod torch;
pub mod training;
