// Processes that train together, by PyTorch's own parts: they meet at a TCPStore, and add tensors up through Gloo on the CPU
// and NCCL on CUDA. As in shim.cpp, each function returns its result, or null (false) after writing a message to `error`.

#define USE_C10D_GLOO

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>
#include <dlfcn.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "guarded.h"

namespace {
// One of them measures the generator while the others wait.
constexpr auto longest_wait = std::chrono::minutes(60);

// Adds a tensor up over the processes of a group.
struct Group {
  virtual ~Group() = default;
  // In place, of a contiguous tensor on the group's device.
  virtual void sum(at::Tensor &tensor) = 0;
};

struct OnCpu : Group {
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;

  OnCpu(const c10::intrusive_ptr<c10d::Store> &store, int rank, int size)
      : gloo(c10::make_intrusive<c10d::ProcessGroupGloo>(
            store, rank, size, c10d::ProcessGroupGloo::Options::create_default(longest_wait))) {}

  void sum(at::Tensor &tensor) override {
    std::vector<at::Tensor> tensors{tensor};
    c10d::AllreduceOptions options;
    options.reduceOp = c10d::ReduceOp::SUM;
    gloo->allreduce(tensors, options)->wait();
  }
};

// The functions of torch/csrc/cuda/nccl.h. They are looked up when CUDA is there, since the same program serves machines
// without it; the header itself wants CUDA's.
struct NcclId {
  char internal[128];
};
constexpr int nccl_sum = 0;

template <typename F> F in_libtorch_cuda(const char *name) {
  void *symbol = dlsym(RTLD_DEFAULT, name);
  if (symbol == nullptr) throw std::runtime_error(std::string("this libtorch has no NCCL: it lacks ") + name);
  return reinterpret_cast<F>(symbol);
}

struct OnCuda : Group {
  // Streams by tensor: none stands for the current one.
  using AllReduce = void (*)(const std::vector<at::Tensor> &, std::vector<at::Tensor> &, int32_t, const std::vector<char> &,
                             const std::vector<void *> &);
  AllReduce all_reduce;
  std::vector<void *> communicator;

  OnCuda(const c10::intrusive_ptr<c10d::Store> &store, int rank, int size, int device)
      : all_reduce(in_libtorch_cuda<AllReduce>("_ZN5torch4cuda4nccl10all_reduceERKSt6vectorIN2at6TensorESaIS4_EERS6_iRKS2_"
                                               "ISt8optionalIN3c104cuda10CUDAStreamEESaISE_EERKS2_IPvSaISJ_EE")) {
    const auto get_unique_id =
        in_libtorch_cuda<void (*)(NcclId &)>("_ZN5torch4cuda4nccl13get_unique_idERNS1_12ncclUniqueIdE");
    const auto comm_init_rank = in_libtorch_cuda<void *(*)(int, const NcclId &, int)>(
        "_ZN5torch4cuda4nccl14comm_init_rankEiRKNS1_12ncclUniqueIdEi");
    NcclId id{};
    if (rank == 0) {
      get_unique_id(id);
      store->set("nccl", std::vector<uint8_t>(id.internal, id.internal + sizeof id.internal));
    } else {
      const std::vector<uint8_t> told = store->get("nccl");
      if (told.size() != sizeof id.internal) throw std::runtime_error("the first process told an NCCL id of another length");
      std::memcpy(id.internal, told.data(), told.size());
    }
    const c10::DeviceGuard guard(at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device)));
    communicator.push_back(comm_init_rank(size, id, rank));
  }

  void sum(at::Tensor &tensor) override {
    const c10::DeviceGuard guard(tensor.device());
    const std::vector<at::Tensor> inputs{tensor};
    std::vector<at::Tensor> outputs{tensor};
    all_reduce(inputs, outputs, nccl_sum, {}, communicator);
  }
};

// The sum over the group, through which gradients flow: each process's input has its part in the outputs of all.
struct SummedUp : torch::autograd::Function<SummedUp> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &input, int64_t group) {
    context->saved_data["group"] = group;
    return summed(input, group);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    // By the same function, so that a gradient penalty can go through it once more.
    return {SummedUp::apply(gradients[0], context->saved_data["group"].toInt()), at::Tensor()};
  }
  static at::Tensor summed(const at::Tensor &input, int64_t group) {
    at::Tensor sum = input.detach().clone(at::MemoryFormat::Contiguous);
    try {
      reinterpret_cast<Group *>(group)->sum(sum);
    } catch (const std::exception &exception) {
      // Within a backward pass nobody else tells this failure from others; group.rs looks for these words.
      throw std::runtime_error(std::string("the sum over the group failed: ") + exception.what());
    }
    return sum;
  }
};
} // namespace

extern "C" {
// Meets the other processes at a store on `host`, which one of them serves; `device` is a CUDA device's number, or -1 for the CPU.
void *cosmogan_group_new(const char *host, int port, bool serve, const char *prefix, int rank, int size, int device,
                         char *error) {
  return guarded(error, [&]() -> void * {
    c10d::TCPStoreOptions options;
    options.port = static_cast<uint16_t>(port);
    options.isServer = serve;
    options.timeout = std::chrono::minutes(5);
    // Otherwise the one that serves waits for all of them to be there, without a word.
    options.waitWorkers = false;
    const auto served = c10::make_intrusive<c10d::TCPStore>(host, options);
    const auto store = c10::make_intrusive<c10d::PrefixStore>(prefix, served);
    if (device < 0) return static_cast<Group *>(new OnCpu(store, rank, size));
    return static_cast<Group *>(new OnCuda(store, rank, size, device));
  });
}

// Adds a contiguous tensor up over the group, in place.
bool cosmogan_group_sum(void *group, at::Tensor *tensor, char *error) {
  return guarded(error, [&] {
    at::Tensor own = *tensor;
    static_cast<Group *>(group)->sum(own);
    return true;
  });
}

// The sum of a tensor over the group, with its gradient.
at::Tensor *cosmogan_group_sum_with_gradient(void *group, const at::Tensor *input, char *error) {
  return guarded(error, [&] {
    return new at::Tensor(SummedUp::apply(*input, static_cast<int64_t>(reinterpret_cast<intptr_t>(group))));
  });
}

void cosmogan_group_free(void *group) { delete static_cast<Group *>(group); }
}
