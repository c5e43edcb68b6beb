//! Ctrl-C and a scheduler's signal: long work saves what it has and ends with an exit code that tells this from success.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result};

/// Exit code of a program that was interrupted, saved, and can go on: EX_TEMPFAIL of sysexits.h. Slurm's `afterok` does not
/// go on after it, and `--requeue` scripts can tell it from a failure.
pub const INTERRUPTED: u8 = 75;

/// How long work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Ending {
    /// All is done.
    Complete,
    /// It was asked to stop, and can go on.
    Interrupted,
}

/// Long work was asked to stop and did: no failure, and what is finished is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("interrupted; the same command goes on")
    }
}

impl std::error::Error for Interrupted {}

/// Whether the program has been asked to stop.
#[derive(Debug, Clone, Default)]
pub struct Interruption {
    asked: Arc<AtomicBool>,
}

impl Interruption {
    /// Listens for Ctrl-C, SIGTERM and SIGHUP from now on; once a program.
    ///
    /// # Errors
    /// When the system refuses, or another part of the program listens already.
    pub fn listen() -> Result<Self> {
        let interruption = Self::default();
        let asked = Arc::clone(&interruption.asked);
        ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed)).context("cannot listen for Ctrl-C")?;
        Ok(interruption)
    }

    /// Whether it was asked for.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Ends work that is deep within other work.
    ///
    /// # Errors
    /// [`Interrupted`], when it was asked for.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.is_asked() { Err(Interrupted) } else { Ok(()) }
    }

    /// Asks for it.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }
}
