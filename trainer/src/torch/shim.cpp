// What tch 0.24 does not reach of libtorch 2.11. Each function returns its result, or null (false) after writing a
// message to `error`; no C++ exception crosses into Rust. A tch tensor handle is an `at::Tensor *`.

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/ops/_fused_adam.h>
#include <dlfcn.h>
#include <malloc.h>

#include <climits>
#include <vector>

#include "guarded.h"

namespace {
std::vector<at::Tensor> list(at::Tensor *const *tensors, size_t count) {
  std::vector<at::Tensor> values;
  values.reserve(count);
  for (size_t i = 0; i < count; ++i) values.push_back(*tensors[i]);
  return values;
}
} // namespace

extern "C" {
// Loads libtorch's CUDA half, which the linker drops from the program's needs: 0 where it is loaded, 1 where NVIDIA's
// driver is missing (loading its gigabytes would take seconds and serve nothing), 2 where this libtorch has none.
int cosmogan_load_cuda() {
  if (dlopen("libcuda.so.1", RTLD_LAZY) == nullptr) return 1;
  return dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr ? 2 : 0;
}

// Keeps freed memory for the next allocation. Tensors above 32 MB go back to the system with each free by default, and a
// training step then spends a sixth of its time on clearing their pages again.
void cosmogan_keep_memory() {
  if (mallopt(M_MMAP_THRESHOLD, INT_MAX) == 1) mallopt(M_TRIM_THRESHOLD, -1);
}

// bf16 autocast on the CPU or on CUDA.
bool cosmogan_autocast(bool cuda, bool enabled, char *error) {
  return guarded(error, [&] {
    const auto device = cuda ? at::kCUDA : at::kCPU;
    at::autocast::set_autocast_dtype(device, at::kBFloat16);
    at::autocast::set_autocast_enabled(device, enabled);
    if (!enabled) at::autocast::clear_cache();
    return true;
  });
}

at::Tensor *cosmogan_leaky_relu(const at::Tensor *input, double slope, char *error) {
  return guarded(error, [&] { return new at::Tensor(at::leaky_relu(*input, slope)); });
}

at::Tensor *cosmogan_channels_last(const at::Tensor *input, char *error) {
  return guarded(error, [&] { return new at::Tensor(input->contiguous(at::MemoryFormat::ChannelsLast)); });
}

// One Adam step over all parameters, in place (Kingma & Ba 2014, no weight decay).
bool cosmogan_fused_adam(at::Tensor *const *parameters, at::Tensor *const *gradients, at::Tensor *const *first_moments,
                         at::Tensor *const *second_moments, at::Tensor *const *steps, size_t count, double learning_rate,
                         double beta1, double beta2, double epsilon, char *error) {
  return guarded(error, [&] {
    at::NoGradGuard no_grad;
    auto p = list(parameters, count), g = list(gradients, count), m = list(first_moments, count),
         v = list(second_moments, count), s = list(steps, count);
    at::_fused_adam_(p, g, m, v, {}, s, learning_rate, beta1, beta2, 0.0, epsilon, false, false);
    return true;
  });
}
}
