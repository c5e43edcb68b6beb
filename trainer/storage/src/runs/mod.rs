//! Folders that long work owns: one program at a time works in them, what lies in them is whole, and an interrupted one goes on.
//!
//! ```text
//! lock          one program at a time
//! atomic        files that are whole or not there
//! parts         finished parts of long work, with what they depend on
//! pieces        a file in small pieces, and the file again
//! interruption  Ctrl-C, and the exit code that tells it from success
//! ```

pub mod atomic;
pub mod interruption;
pub mod lock;
pub mod parts;
pub mod pieces;

pub use atomic::{AtomicFile, write_atomically};
pub use interruption::{Ending, INTERRUPTED, Interrupted, Interruption};
pub use lock::FolderLock;
pub use parts::Parts;
