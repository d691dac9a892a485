//===- NFBytecode.h - the version of modules in bytecode -------------------------------------===//
#ifndef NF_DIALECT_NFBYTECODE_H
#define NF_DIALECT_NFBYTECODE_H

#include "mlir/Bytecode/BytecodeImplementation.h"

namespace nf {

/// What .mlirbc files say of the ops in them. `current` grows with every change of an op's operands, attributes or
/// meaning that older files would notice.
struct DialectVersion : mlir::DialectVersion {
  static constexpr uint64_t current = 1;

  explicit DialectVersion(uint64_t number = current) : number(number) {}
  uint64_t number;
};

/// Writes the version (BytecodeWriterConfig may set another), and refuses files of a version that this compiler does
/// not know.
std::unique_ptr<mlir::BytecodeDialectInterface> createBytecodeInterface(mlir::Dialect *dialect);

} // namespace nf

#endif // NF_DIALECT_NFBYTECODE_H
