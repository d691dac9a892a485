#include "runtime/core/Device.h"

#include "runtime/abi/nf_gpu.h"

namespace nf::rt {

std::unique_ptr<Device> openDevice(const nf_model &model) {
  if (model.target != NF_TARGET_CUDA)
    return nullptr;
  return std::unique_ptr<Device>(static_cast<Device *>(model.gpu->open(&model)));
}

} // namespace nf::rt
