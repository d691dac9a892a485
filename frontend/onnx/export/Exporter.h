// nf IR as an ONNX graph.
#ifndef NF_FRONTEND_ONNX_EXPORT_EXPORTER_H
#define NF_FRONTEND_ONNX_EXPORT_EXPORTER_H

#include "dialect/NF.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>
#include <vector>

namespace onnx {
class ModelProto;
}

namespace nf::onnxfe {

/// A graph, and the parameters that it reads: initializer i is parameter i, still without its elements.
struct ExportedGraph {
  std::unique_ptr<::onnx::ModelProto> model; ///< null after errors
  std::vector<ParameterOp> parameters;

  ExportedGraph();
  ExportedGraph(ExportedGraph &&);
  ~ExportedGraph();
};

/// The graph of one program of `module` in opset 23. Without a name it is the model's forward graph: @forward where
/// there is one, else @eval up to the logits of its loss, which become the graph's output. Values keep the names of
/// parameters and layers. Arguments keep theirs, except those for which other tools have a common name: tokens are
/// input_ids, positions position_ids and key_padding attention_mask (int64 each). A bf16 value is a float one that was
/// rounded to bf16: ONNX Runtime's CPU kernels compute no bf16.
/// Errors are reported to the module's context: a program that does not exist, and all ops that have no form in ONNX at
/// once.
ExportedGraph exportGraph(mlir::ModuleOp module, llvm::StringRef program);

/// The elements of a parameter of F32 in row-major order.
using ParameterValues = llvm::function_ref<llvm::Expected<std::vector<float>>(ParameterOp)>;

/// Writes the graph with its weights to `path` ("-" is standard output), whole or not at all. With `isExternal`, and
/// where they are too large for one protobuf (2 GB), the weights go to `path`.data beside it, one after the other
/// through memory.
llvm::Error writeModel(ExportedGraph &graph, ParameterValues valuesOf, const std::string &path, bool isExternal);

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_EXPORT_EXPORTER_H
