//! Work over maps: on all cores natively, one after the other in wasm, with the same results.

/// Computes `each(state, index)` for every index in 0..count, in order of the index. A `state` is made for each
/// piece of work that a thread takes, of which there are a few a thread.
#[cfg(not(target_arch = "wasm32"))]
pub fn map_init<S, T: Send>(
    count: usize,
    init: impl Fn() -> S + Sync + Send,
    each: impl Fn(&mut S, usize) -> T + Sync + Send,
) -> Vec<T> {
    use rayon::prelude::*;
    (0..count).into_par_iter().map_init(init, each).collect()
}

/// Computes `each(state, index)` for every index in 0..count, in order of the index, with one `state`.
#[cfg(target_arch = "wasm32")]
pub fn map_init<S, T: Send>(
    count: usize,
    init: impl Fn() -> S + Sync + Send,
    each: impl Fn(&mut S, usize) -> T + Sync + Send,
) -> Vec<T> {
    let mut state = init();
    (0..count).map(|index| each(&mut state, index)).collect()
}

/// Threads that [`map_init`] works on.
#[cfg(not(target_arch = "wasm32"))]
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// Threads that [`map_init`] works on.
#[cfg(target_arch = "wasm32")]
pub fn threads() -> usize {
    1
}
