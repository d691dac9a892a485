#include "dialect/NFBytecode.h"
#include "dialect/NF.h"

using namespace mlir;

namespace {
struct NFBytecode : BytecodeDialectInterface {
  explicit NFBytecode(Dialect *dialect) : BytecodeDialectInterface(dialect) {}

  void writeVersion(DialectBytecodeWriter &writer) const override {
    auto chosen = writer.getDialectVersion<nf::NFDialect>();
    writer.writeVarInt(succeeded(chosen) ? static_cast<const nf::DialectVersion *>(*chosen)->number
                                         : nf::DialectVersion::current);
  }

  std::unique_ptr<mlir::DialectVersion> readVersion(DialectBytecodeReader &reader) const override {
    uint64_t number;
    if (failed(reader.readVarInt(number)))
      return nullptr;
    if (number == nf::DialectVersion::current)
      return std::make_unique<nf::DialectVersion>(number);
    reader.emitError() << "expected a module of version " << nf::DialectVersion::current
                       << " of the nf dialect, but got version " << number
                       << "; compile it with the NormForge that wrote it, or write it again from its definition";
    return nullptr;
  }
};
} // namespace

std::unique_ptr<BytecodeDialectInterface> nf::createBytecodeInterface(Dialect *dialect) {
  return std::make_unique<NFBytecode>(dialect);
}
