// What a matrix product reads and writes of memory that is checked.
#ifndef NF_RUNTIME_EMULATION_PRODUCTMEMORY_H
#define NF_RUNTIME_EMULATION_PRODUCTMEMORY_H

#include "runtime/core/GpuProduct.h"
#include "runtime/emulation/Checks.h"

namespace nf::rt {

class ProductMemory {
public:
  /// `buffers` are the launch's, as nf_gpu_gemm lists them; all outlive it.
  ProductMemory(Checks &checks, const nf_gpu_gemm &gemm, std::span<const Checks::Buffer> buffers, bool withEpilogue)
      : checks(checks), gemm(gemm), buffers(buffers), withEpilogue(withEpilogue) {}

  /// The first thing that is wrong, as what follows "expected "; empty where nothing is: matrices inside of their
  /// buffers, and written where they are read.
  std::string brokenRule() const;
  /// Counts what it writes as written.
  void fill() const;

private:
  std::string brokenBy(const char *name, const nf_gpu_matrix &matrix, const Checks::Buffer &buffer, bool isRead) const;
  const Checks::Buffer &vector() const { return buffers[vectorBuffer(gemm)]; }
  int64_t vectorBytes() const;

  Checks &checks;
  const nf_gpu_gemm &gemm;
  std::span<const Checks::Buffer> buffers;
  bool withEpilogue;
};

} // namespace nf::rt

#endif // NF_RUNTIME_EMULATION_PRODUCTMEMORY_H
