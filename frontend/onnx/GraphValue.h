// A value of an ONNX graph while it is imported.
#ifndef NF_FRONTEND_ONNX_GRAPHVALUE_H
#define NF_FRONTEND_ONNX_GRAPHVALUE_H

#include "frontend/onnx/HostTensor.h"
#include "frontend/onnx/Node.h"

#include "mlir/IR/Value.h"

#include <memory>

namespace nf::onnxfe {

struct GraphValue;
using GraphValueRef = std::shared_ptr<GraphValue>;

/// Has one form or several: known now, an initializer of the file, a value of the program; and it may be known on
/// demand, where it follows from initializers and constants alone.
struct GraphValue {
  Element element = Element::F32;
  llvm::SmallVector<int64_t> shape;
  bool isUnknown = false; ///< follows from an operator that was refused

  std::optional<HostTensor> host;
  const ::onnx::TensorProto *weight = nullptr;
  mlir::Value value;                      ///< of `shape`
  mlir::Value compact;                    ///< of a shape that broadcasts to `shape`
  llvm::SmallVector<GraphValueRef> parts; ///< of a sequence, which has no other form

  // How to compute `host` on demand.
  std::optional<Node> producer;
  llvm::SmallVector<GraphValueRef> operands;
  size_t output = 0;
  int64_t depth = 0; ///< producers between this value and the file's own

  /// Known without any initializer that may be a parameter.
  bool isConstant() const { return host && !weight && !producer; }
  bool canBeKnown() const { return host || weight || producer; }
};

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_GRAPHVALUE_H
