// A model on an NVIDIA GPU.
#ifndef NF_RUNTIME_CUDA_CUDADEVICE_H
#define NF_RUNTIME_CUDA_CUDADEVICE_H

#include "runtime/abi/nf_gpu.h"
#include "runtime/core/Device.h"
#include "runtime/core/LaunchList.h"
#include "runtime/cuda/CublasLt.h"
#include "runtime/cuda/CudaGraph.h"
#include "runtime/cuda/CudaModule.h"
#include "runtime/cuda/Driver.h"
#include "runtime/cuda/Product.h"

#include <exception>
#include <map>
#include <memory>
#include <vector>

namespace nf::rt::cuda {

/// The first GPU that the driver shows (CUDA_VISIBLE_DEVICES chooses), with the model's kernels on it. One stream runs
/// everything in the order of the lists.
class CudaDevice : public Device {
public:
  /// Throws Error where driver, GPU or library are missing or too old.
  explicit CudaDevice(const nf_model &model);
  ~CudaDevice() override;

  int64_t neededBytes() const override;
  int64_t freeBytes() const override;
  nf_context reserve() override;
  void send(uint8_t *to, const void *from, int64_t bytes) override;
  void fetch(void *to, const uint8_t *from, int64_t bytes) override;
  void run(nf_context &context, const nf_program &program, uint8_t *arena) override;
  std::string describe() const override;
  std::string products() const override;

  /// The launches of the program that runs. What goes wrong is run()'s to throw: this is called by compiled code, which
  /// an exception cannot pass.
  void launchAll(const nf_context &context, const nf_gpu_launches &list, void **args) noexcept;

private:
  struct Launch {
    const nf_gpu_work &work;
    const ListedLaunch &listed;
    const char *name;
    void **buffers;
  };

  /// The driver's context, current on this thread while the device lives.
  struct Primary {
    Primary(const Driver &driver);
    ~Primary();
    const Driver &driver;
    CUdevice device = 0;
    CUcontext context = nullptr;
  };
  /// Memory of the device with an owner.
  class Memory {
  public:
    Memory(const Driver &driver, int64_t bytes, const char *what);
    ~Memory();
    Memory(const Memory &) = delete;
    uint8_t *data() const { return reinterpret_cast<uint8_t *>(address); }

  private:
    const Driver &driver;
    CUdeviceptr address = 0;
  };

  /// A list's graphs, by the values of the flags that its products read: the beta of a call is part of a graph. Null
  /// until a list runs for the second time with these values: the first time the libraries make what they need.
  struct Graphs {
    std::vector<int64_t> flags; ///< places of buffers
    std::map<std::vector<int32_t>, std::unique_ptr<CudaGraph>> byFlags;
  };

  void launchKept(const nf_context &context, const nf_gpu_launches &list, void **args);
  void launchEach(const nf_context &context, const nf_gpu_launches &list, void **args);
  Graphs &graphsOf(const nf_gpu_launches &list);
  int32_t flagAt(int64_t place) const;
  void launchKernel(const Launch &launch);
  /// Returns whether the product was made with its epilogue.
  bool launchProduct(const Launch &launch);
  bool isAdded(const Launch &launch) const;
  const uint8_t *constantsOf(const nf_gpu_launches &list);
  void synchronize(std::string_view of);
  /// Without waiting for it.
  void copyBack(void *to, const uint8_t *from, int64_t bytes, std::string_view of = "");

  const nf_model &model;
  Driver driver;
  Primary primary;
  CublasLt library;
  int capability;
  CudaModule kernels;
  CUstream stream = nullptr;
  std::unique_ptr<Memory> persistent, transient, constants, workspace;
  std::map<const nf_gpu_launches *, Graphs> graphs;
  std::vector<std::unique_ptr<Product>> gemms; ///< by work, made at the first launch
  std::vector<void *> parameters;              ///< of a launch: where its arguments, addresses themselves, are
  std::exception_ptr failure;                  ///< of a launch
  const nf_program *running = nullptr;
  const uint8_t *inputs = nullptr; ///< of the program that runs, in the host's memory
  bool keepsGraphs;                ///< false: launches are made one by one
  bool isStepping;                 ///< wait for each launch, so that an error names it
};

} // namespace nf::rt::cuda

#endif // NF_RUNTIME_CUDA_CUDADEVICE_H
