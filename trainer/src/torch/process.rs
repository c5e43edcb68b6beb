//! How this process computes: how many threads, how they wait for each other, and what becomes of memory that tensors give back.
//!
//! libtorch's threads (those of libgomp) spin while they wait for the next piece of work. On cores that other programs use too, a
//! thread that has work is then kept from its core by threads that wait: steps of a small network take 1.4 times as long and more. So
//! they are told to sleep after a short while, which libgomp reads from its environment when it is loaded, before `main`.
//!
//! Memory stays with the process: large tensors would otherwise be mapped and cleared anew in every step, a sixth of its time.

use std::{ffi::OsString, os::unix::process::CommandExt, process::Command};

use super::shim;

/// What libgomp reads: how many times a waiting thread looks before it sleeps.
const SPIN_COUNT: &str = "GOMP_SPINCOUNT";
/// Variables by which a user decides otherwise.
const POLICIES: [&str; 3] = [SPIN_COUNT, "OMP_WAIT_POLICY", "KMP_BLOCKTIME"];
/// Looks before sleeping: some microseconds, the length of a gap between two kernels. Measured: see ARCHITECTURE.md.
const SPINS: &str = "2000";

/// Settles how threads wait and how many compute, and keeps memory. Called before anything else, since the program may be started anew.
/// `sharers` processes of this kind share the machine.
pub fn settle(threads: Option<u16>, sharers: usize) {
    settle_waiting_policy();
    shim::keep_memory();
    set_count(threads, sharers);
}

/// Starts this program anew with a waiting policy for libgomp, unless its environment states one. Returns where it does, or where
/// the program cannot be started again, which costs nothing but speed.
fn settle_waiting_policy() {
    if POLICIES.iter().any(|name| std::env::var_os(name).is_some()) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| OsString::from("trainer"));
    // On success this does not return; the process stays the same one for whoever waits for it.
    let _ = Command::new(program).arg0(name).args(arguments).env(SPIN_COUNT, SPINS).exec();
}

/// Lets this many threads compute, in libtorch and elsewhere; by default as many as this process may use, which the limits of a
/// container or a batch job bound, or a share of these.
fn set_count(threads: Option<u16>, sharers: usize) {
    let available = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.map_or_else(|| (available() / sharers.max(1)).max(1), usize::from);
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
    // Refused where the pool runs already, as in a test; its size then stays.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
}
