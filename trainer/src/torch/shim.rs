//! Safe wrappers of the C++ shim: what tch 0.24 does not reach of libtorch 2.11.
//!
//! The only `unsafe` of the trainer beside the mapped file of its training data. Every call passes handles of live tensors (borrowed for the call) and a buffer for
//! an error message; the C++ side catches every exception, keeps no pointer, and gives back either null or a new tensor
//! handle that the caller owns, which is what `Tensor::from_ptr` takes.
#![allow(unsafe_code)]

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    ptr::NonNull,
};

use tch::Tensor;
use torch_sys::C_tensor;

const ERROR_CAPACITY: usize = 1024;

unsafe extern "C" {
    fn cosmogan_load_cuda() -> c_int;
    fn cosmogan_keep_memory();
    fn cosmogan_autocast(cuda: bool, enabled: bool, error: *mut c_char) -> bool;
    fn cosmogan_leaky_relu(input: *const C_tensor, slope: f64, error: *mut c_char) -> *mut C_tensor;
    fn cosmogan_channels_last(input: *const C_tensor, error: *mut c_char) -> *mut C_tensor;
    fn cosmogan_fused_adam(
        parameters: *const *const C_tensor,
        gradients: *const *const C_tensor,
        first_moments: *const *const C_tensor,
        second_moments: *const *const C_tensor,
        steps: *const *const C_tensor,
        count: usize,
        learning_rate: f64,
        beta1: f64,
        beta2: f64,
        epsilon: f64,
        error: *mut c_char,
    ) -> bool;
    fn cosmogan_group_new(
        host: *const c_char,
        port: c_int,
        serve: bool,
        prefix: *const c_char,
        rank: c_int,
        size: c_int,
        device: c_int,
        error: *mut c_char,
    ) -> *mut c_void;
    fn cosmogan_group_sum(group: *mut c_void, tensor: *mut C_tensor, error: *mut c_char) -> bool;
    fn cosmogan_group_sum_with_gradient(
        group: *mut c_void,
        input: *const C_tensor,
        error: *mut c_char,
    ) -> *mut C_tensor;
    fn cosmogan_group_free(group: *mut c_void);
}

/// A call into libtorch that failed, in its words.
#[derive(Debug, thiserror::Error)]
#[error("libtorch: {0}")]
pub struct ShimError(String);

/// Runs a call with a buffer for its message; `failed` tells a failure by the result.
fn call<T: Copy>(failed: impl Fn(T) -> bool, run: impl FnOnce(*mut c_char) -> T) -> Result<T, ShimError> {
    let mut message: [c_char; ERROR_CAPACITY] = [0; ERROR_CAPACITY];
    let result = run(message.as_mut_ptr());
    if failed(result) {
        // SAFETY: the shim writes at most ERROR_CAPACITY bytes with a closing zero, and the buffer starts as zeros.
        let text = unsafe { CStr::from_ptr(message.as_ptr()) };
        return Err(ShimError(text.to_string_lossy().lines().next().unwrap_or_default().to_owned()));
    }
    Ok(result)
}

fn call_for_tensor(run: impl FnOnce(*mut c_char) -> *mut C_tensor) -> Result<Tensor, ShimError> {
    let handle = call(<*mut C_tensor>::is_null, run)?;
    // SAFETY: a non-null result is a new tensor that nothing else owns.
    Ok(unsafe { Tensor::from_ptr(handle) })
}

/// What became of loading libtorch's CUDA half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CudaHalf {
    /// It is loaded.
    Loaded,
    /// NVIDIA's driver is not installed.
    NoDriver,
    /// This libtorch was built without CUDA.
    Absent,
}

/// Loads libtorch's CUDA half where this machine and this installation have one; call before the first question about CUDA.
pub fn load_cuda() -> CudaHalf {
    // SAFETY: no arguments; loading runs the library's own initialisers only.
    match unsafe { cosmogan_load_cuda() } {
        0 => CudaHalf::Loaded,
        1 => CudaHalf::NoDriver,
        _ => CudaHalf::Absent,
    }
}

/// Keeps memory that tensors on the CPU give back for the next ones, instead of returning it to the system; call before the first.
pub fn keep_memory() {
    // SAFETY: no arguments; two settings of the C library's allocator.
    unsafe { cosmogan_keep_memory() }
}

/// Switches bf16 autocast on or off for the calling thread, on CUDA or on the CPU.
///
/// # Errors
/// When libtorch refuses.
pub fn set_bf16_autocast(cuda: bool, enabled: bool) -> Result<(), ShimError> {
    // SAFETY: plain values and the message buffer.
    call(|done: bool| !done, |error| unsafe { cosmogan_autocast(cuda, enabled, error) }).map(|_| ())
}

/// x where x > 0, else `slope` x, with its gradient.
///
/// # Errors
/// When libtorch refuses.
pub fn leaky_relu(input: &Tensor, slope: f64) -> Result<Tensor, ShimError> {
    // SAFETY: the handle lives for the call.
    call_for_tensor(|error| unsafe { cosmogan_leaky_relu(input.as_ptr(), slope, error) })
}

/// The tensor `[n, c, h, w]` with its channels adjacent in memory.
///
/// # Errors
/// When libtorch refuses, as for a tensor that is not of rank 4.
pub fn channels_last(input: &Tensor) -> Result<Tensor, ShimError> {
    // SAFETY: the handle lives for the call.
    call_for_tensor(|error| unsafe { cosmogan_channels_last(input.as_ptr(), error) })
}

/// State of Adam for a list of parameters: one tensor each of the two moments and of the step count.
#[derive(Debug)]
pub struct AdamTensors<'a> {
    /// Parameters, changed in place.
    pub parameters: &'a [Tensor],
    /// Their gradients.
    pub gradients: &'a [Tensor],
    /// Running mean of the gradient, changed in place.
    pub first_moments: &'a [Tensor],
    /// Running mean of its square, changed in place.
    pub second_moments: &'a [Tensor],
    /// Steps taken, before this one, already counted up by the caller; f32 scalars on the parameters' device.
    pub steps: &'a [Tensor],
}

/// Settings of Adam (Kingma & Ba 2014).
#[derive(Debug, Clone, Copy)]
pub struct AdamSettings {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

/// One step of Adam over all parameters in one kernel.
///
/// # Errors
/// When the lists differ in length, or libtorch refuses.
pub fn fused_adam(tensors: &AdamTensors, settings: AdamSettings) -> Result<(), ShimError> {
    let count = tensors.parameters.len();
    let lists = [tensors.gradients, tensors.first_moments, tensors.second_moments, tensors.steps];
    if lists.iter().any(|list| list.len() != count) {
        return Err(ShimError(format!("fused Adam needs {count} tensors in every list")));
    }
    let handles = |list: &[Tensor]| list.iter().map(Tensor::as_ptr).collect::<Vec<_>>();
    let parameters = handles(tensors.parameters);
    let [gradients, first, second, steps] = lists.map(handles);
    // SAFETY: five arrays of `count` handles that live for the call.
    let done = call(
        |done: bool| !done,
        |error| unsafe {
            cosmogan_fused_adam(
                parameters.as_ptr(),
                gradients.as_ptr(),
                first.as_ptr(),
                second.as_ptr(),
                steps.as_ptr(),
                count,
                settings.learning_rate,
                settings.beta1,
                settings.beta2,
                settings.epsilon,
                error,
            )
        },
    );
    done.map(|_| ())
}

/// Where the processes of a group meet, and which of them this one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// Host that keeps the store.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether this process keeps the store.
    pub serve: bool,
    /// What the group's entries in the store begin with.
    pub prefix: String,
    /// This process's number.
    pub rank: usize,
    /// Processes in all.
    pub size: usize,
}

/// Processes that add tensors up together.
#[derive(Debug)]
pub struct GroupHandle(NonNull<c_void>);

impl GroupHandle {
    /// Meets the others; `cuda` is the number of the CUDA device whose tensors are added up, `None` means the CPU's.
    ///
    /// # Errors
    /// When they cannot be met within five minutes, or libtorch refuses.
    pub fn meet(meeting: &Meeting, cuda: Option<usize>) -> Result<Self, ShimError> {
        let text = |text: &str| CString::new(text).map_err(|_| ShimError(format!("{text:?} is no name")));
        let number = |number: usize| c_int::try_from(number).map_err(|_| ShimError(format!("{number} is too large")));
        let (host, prefix) = (text(&meeting.host)?, text(&meeting.prefix)?);
        let (rank, size) = (number(meeting.rank)?, number(meeting.size)?);
        let device = cuda.map_or(Ok(-1), number)?;
        let (port, serve) = (c_int::from(meeting.port), meeting.serve);
        // SAFETY: two texts that live for the call, plain values, and the message buffer.
        let handle = call(<*mut c_void>::is_null, |error| unsafe {
            cosmogan_group_new(host.as_ptr(), port, serve, prefix.as_ptr(), rank, size, device, error)
        })?;
        NonNull::new(handle).map(Self).ok_or_else(|| ShimError("no group".into()))
    }

    /// Adds a contiguous tensor up over the group, in place.
    ///
    /// # Errors
    /// When another process has ended, or libtorch refuses.
    pub fn sum(&self, tensor: &mut Tensor) -> Result<(), ShimError> {
        // SAFETY: the group and the tensor live for the call.
        call(|done: bool| !done, |error| unsafe { cosmogan_group_sum(self.0.as_ptr(), tensor.as_mut_ptr(), error) })
            .map(|_| ())
    }

    /// The sum of a tensor over the group, through which gradients flow. The group must live until they have.
    ///
    /// # Errors
    /// When another process has ended, or libtorch refuses.
    pub fn sum_with_gradient(&self, input: &Tensor) -> Result<Tensor, ShimError> {
        // SAFETY: the group and the tensor live for the call; the graph keeps the group's address alone, and whoever holds a graph
        // holds the networks, which hold the group.
        call_for_tensor(|error| unsafe { cosmogan_group_sum_with_gradient(self.0.as_ptr(), input.as_ptr(), error) })
    }
}

impl Drop for GroupHandle {
    fn drop(&mut self) {
        // SAFETY: the handle is this one's own, and nobody uses it afterwards.
        unsafe { cosmogan_group_free(self.0.as_ptr()) }
    }
}
