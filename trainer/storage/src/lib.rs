//! Convergence maps in files, and folders that long work owns: what simulation, training and evaluation have in common.
//!
//! ```text
//! files   listing, checksums, outputs that must not overwrite anything
//! maps    arrays and images of maps, with what is said of them
//! runs    locks, files written whole or not at all, finished parts, interruption
//! sheet   pictures of maps in rows
//! ```
#![warn(missing_docs)]

pub mod files;
pub mod maps;
pub mod runs;
pub mod sheet;
