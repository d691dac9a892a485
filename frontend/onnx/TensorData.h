// The elements of a TensorProto, wherever they are: raw, typed, or in an external file.
#ifndef NF_FRONTEND_ONNX_TENSORDATA_H
#define NF_FRONTEND_ONNX_TENSORDATA_H

#include "frontend/onnx/ExternalData.h"
#include "frontend/onnx/HostTensor.h"

namespace onnx {
class TensorProto;
}

namespace nf::onnxfe {

/// Checks a tensor without decoding it: element type, extents, and that there are as many bytes or values as they need.
/// The error is the end of a sentence about the tensor.
llvm::Error checkTensor(const ::onnx::TensorProto &tensor, ExternalFiles &files);

/// The elements of a tensor that checkTensor accepts. Fails over HostTensor::limit elements.
llvm::Expected<HostTensor> decodeTensor(const ::onnx::TensorProto &tensor, ExternalFiles &files);

/// The elements of a float tensor that checkTensor accepts, of any size, as f32.
llvm::Expected<std::vector<float>> decodeFloats(const ::onnx::TensorProto &tensor, ExternalFiles &files);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_TENSORDATA_H
