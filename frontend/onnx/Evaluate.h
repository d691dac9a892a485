// The ONNX operators on values that are known while a model is read: shape arithmetic, masks, position tables.
#ifndef NF_FRONTEND_ONNX_EVALUATE_H
#define NF_FRONTEND_ONNX_EVALUATE_H

#include "frontend/onnx/HostTensor.h"
#include "frontend/onnx/Node.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>

namespace nf::onnxfe {

/// What evaluation may still cost, in elements computed; a model that needs more is refused, not waited for.
struct EvaluationBudget {
  int64_t elements = int64_t(1) << 29;
};

using HostTensors = llvm::SmallVector<HostTensor, 1>;
using HostInputs = llvm::ArrayRef<const HostTensor *>; ///< null for an input that is left out

/// The outputs of `node`, or nothing: the operator is not known here, its operands do not fit, or a result has more
/// than HostTensor::limit elements.
std::optional<HostTensors> evaluate(const Node &node, HostInputs inputs, EvaluationBudget &budget);

/// An operator here: one function of its node and operands.
using Evaluator = std::optional<HostTensors> (*)(const Node &node, HostInputs inputs);

/// The evaluators by operator, of ONNX's own domain: shapes and movement; arithmetic and comparisons.
llvm::StringMap<Evaluator> shapeEvaluators();
llvm::StringMap<Evaluator> mathEvaluators();

/// A tensor of zeros, or nothing over HostTensor::limit elements.
std::optional<HostTensor> makeTensor(Element element, llvm::ArrayRef<int64_t> shape);
inline HostTensors only(HostTensor tensor) {
  HostTensors tensors;
  tensors.push_back(std::move(tensor));
  return tensors;
}

/// The tensor in another element type, with ONNX's rules of Cast.
std::optional<HostTensor> castTensor(const HostTensor &tensor, Element element);

/// The integers of an attribute, or where it is missing of input `index`.
std::optional<llvm::SmallVector<int64_t>> integersOf(const Node &node, HostInputs inputs, llvm::StringRef attribute,
                                                     size_t index);

/// The shape that Reshape gives a tensor: -1 is what is left, 0 (unless `allowZero`) the extent as it is.
std::optional<llvm::SmallVector<int64_t>> reshapedShape(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> target,
                                                        bool allowZero);

/// A range of one axis: `count` elements from `from` in steps of `step`.
struct AxisRange {
  int64_t axis, from, step, count;
};
/// What Slice takes of each axis that it names, by the operator's rules of clamping.
std::optional<llvm::SmallVector<AxisRange>> sliceRanges(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> starts,
                                                        llvm::ArrayRef<int64_t> ends, llvm::ArrayRef<int64_t> axes,
                                                        llvm::ArrayRef<int64_t> steps);

/// The extents of Split's outputs.
std::optional<llvm::SmallVector<int64_t>> splitSizes(const Node &node, int64_t extent,
                                                     std::optional<llvm::SmallVector<int64_t>> given);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_EVALUATE_H
