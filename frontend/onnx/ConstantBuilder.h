// Constants of a graph as nf IR, in the shortest form that they have.
#ifndef NF_FRONTEND_ONNX_CONSTANTBUILDER_H
#define NF_FRONTEND_ONNX_CONSTANTBUILDER_H

#include "dialect/NF.h"
#include "frontend/onnx/HostTensor.h"

namespace nf::onnxfe {

/// Drops repetition: an axis along which nothing changes becomes of extent 1.
HostTensor withoutRepetition(const HostTensor &tensor);

/// Whether the tensor's last two axes (i, j) are a causal mask: one value where j ≤ i + c, another one elsewhere.
bool isCausalMask(const HostTensor &tensor);

/// The tensor in IR: a splat; an arithmetic progression along one axis (nf.iota); one value up to a diagonal and
/// another one after it, or one of two values by a band (comparisons of nf.iota). Its shape broadcasts to the tensor's.
/// Integers are i32. Null where it has no such form.
mlir::Value buildStructured(mlir::ImplicitLocOpBuilder &b, const HostTensor &tensor);

/// The nf element type of values of an ONNX element.
mlir::Type elementType(mlir::Builder &b, Element element);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_CONSTANTBUILDER_H
