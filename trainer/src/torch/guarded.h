// What every function of the shim has around it: no C++ exception crosses into Rust.

#pragma once

#include <cstddef>
#include <cstdio>
#include <exception>

namespace {
constexpr size_t error_capacity = 1024;

// The result of `compute`, or null (false) after writing a message to `error`.
template <typename F> auto guarded(char *error, F compute) -> decltype(compute()) {
  try {
    return compute();
  } catch (const std::exception &exception) {
    std::snprintf(error, error_capacity, "%s", exception.what());
    return {};
  }
}
} // namespace
