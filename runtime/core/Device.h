// A model's memory and programs where they are not the host's.
#ifndef NF_RUNTIME_CORE_DEVICE_H
#define NF_RUNTIME_CORE_DEVICE_H

#include "runtime/abi/nf_abi.h"
#include "runtime/core/Error.h"

#include <cstdint>
#include <memory>
#include <string>

namespace nf::rt {

/// A failure of the device. What is in its memory is lost; files are as they were.
class DeviceError : public Error {
public:
  using Error::Error;
};

/// What a Context sees of a GPU. Addresses of its memory are never the host's to read. All throw Error.
class Device {
public:
  virtual ~Device() = default;

  /// Bytes that the model needs of the device's memory, and that are free before reserve() was called.
  virtual int64_t neededBytes() const = 0;
  virtual int64_t freeBytes() const = 0;
  /// Reserves the model's memory: zeros in the persistent segment, anything in the arena.
  virtual nf_context reserve() = 0;

  virtual void send(uint8_t *to, const void *from, int64_t bytes) = 0;
  virtual void fetch(void *to, const uint8_t *from, int64_t bytes) = 0;
  /// Takes the program's inputs out of `arena`, the host's copy of the transient arena, runs it, and puts its outputs
  /// there.
  virtual void run(nf_context &context, const nf_program &program, uint8_t *arena) = 0;

  /// "NVIDIA H100 80GB HBM3 (9.0), code for sm_90a, driver for CUDA 13.0, matrix products by cuBLASLt 13.0.2"
  virtual std::string describe() const = 0;
  /// What makes the matrix products; part of what decides a run's bits.
  virtual std::string products() const = 0;
};

/// Opens the device that a model was compiled for; null where that is the host.
std::unique_ptr<Device> openDevice(const nf_model &model);

} // namespace nf::rt

#endif
