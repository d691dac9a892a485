// The walk over a graph: one GraphValue a name, one builder or evaluator a node.
#ifndef NF_FRONTEND_ONNX_GRAPHIMPORTER_H
#define NF_FRONTEND_ONNX_GRAPHIMPORTER_H

#include "dialect/NF.h"
#include "frontend/onnx/Evaluate.h"
#include "frontend/onnx/GraphValue.h"
#include "frontend/onnx/Importer.h"
#include "frontend/onnx/OpContext.h"

#include <set>

namespace onnx {
class ValueInfoProto;
}

namespace nf::onnxfe {

/// The names that nodes see: those of their graph, and of the graphs around it.
struct Scope {
  const Scope *parent = nullptr;
  const AttributeMap *attributes = nullptr; ///< of the function call whose body this is
  std::map<std::string, GraphValueRef, std::less<>> values;
  std::string prefix; ///< of the names of nodes

  GraphValueRef find(llvm::StringRef name) const;
};

class GraphImporter {
public:
  GraphImporter(mlir::MLIRContext &context, ModelFile &file, const ImportOptions &options);

  ImportResult run();

private:
  friend class OpContext;

  // Inputs.
  bool bindInputs();
  bool checkDims();
  void noteBaked(mlir::InFlightDiagnostic &diagnostic, int64_t extent);
  std::string dynamicShapes();
  std::optional<llvm::SmallVector<int64_t>> bindShape(const ::onnx::ValueInfoProto &input, Element element);
  std::optional<int64_t> bindDim(const ::onnx::ValueInfoProto &input, int axis, bool isPerToken);
  GraphValueRef knownInput(llvm::StringRef name, Element element, llvm::ArrayRef<int64_t> shape);
  void addInitializers(const ::onnx::GraphProto &graph, Scope &scope);
  GraphValueRef initializerValue(const ::onnx::TensorProto &tensor);

  // Nodes.
  template <typename Nodes> bool importNodes(const Nodes &nodes, Scope &scope, int64_t outerIndex, int depth);
  bool importNode(const ::onnx::NodeProto &proto, Scope &scope, mlir::Location location, int64_t index, int depth);
  bool define(Scope &scope, llvm::StringRef name, GraphValueRef value, mlir::Location location);
  std::optional<llvm::SmallVector<GraphValueRef>> importOperator(const Node &node,
                                                                 llvm::ArrayRef<GraphValueRef> inputs);
  std::optional<llvm::SmallVector<GraphValueRef>> importConstant(const Node &node);
  bool importCall(const ::onnx::FunctionProto &function, const Node &node, llvm::ArrayRef<GraphValueRef> inputs,
                  Scope &scope, int64_t index, int depth);
  bool importIf(const Node &node, llvm::ArrayRef<GraphValueRef> inputs, Scope &scope, int64_t index, int depth);
  std::optional<llvm::SmallVector<GraphValueRef>> evaluateNow(const Node &node, llvm::ArrayRef<GraphValueRef> inputs,
                                                              bool onDemand);
  llvm::SmallVector<GraphValueRef> unknownResults(const Node &node);
  void refuse(const Node &node, llvm::StringRef why, llvm::StringRef instead);
  bool isRead(llvm::StringRef name) const { return reads.count(name.str()); }
  void countReads(const ::onnx::GraphProto &graph);

  // Forms of a value.
  const HostTensor *known(GraphValue &value);
  mlir::Value valueOf(GraphValue &value, mlir::ImplicitLocOpBuilder &b, OpContext &op, bool compact);
  mlir::Value parameter(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, llvm::StringRef file, bool trainable,
                        mlir::Location location);
  mlir::Value tiedTo(GraphValue &value, OpContext &op);
  mlir::Value constantParameter(const HostTensor &tensor, mlir::ImplicitLocOpBuilder &b);

  // The graph's own loss.
  GraphValueRef lossValue();
  bool checkLossInputs(mlir::Value loss);
  mlir::Value makeLabels(mlir::ImplicitLocOpBuilder &b, mlir::Value loss, mlir::Value targets, mlir::Value weight);
  bool makeLossProgram(GraphValue &value);

  // Outputs.
  bool finish();
  void notePort(bool isInput, llvm::StringRef name, llvm::ArrayRef<int64_t> shape, llvm::StringRef becomes);
  void describePorts();
  void eraseUnused();
  void describeModel();
  void describeParameters();

  std::string uniqueSymbol(llvm::StringRef name);
  void reportRefusals();

  mlir::InFlightDiagnostic error(llvm::StringRef name = "");

  mlir::MLIRContext &context;
  ModelFile &file;
  const ImportOptions &options;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  ProgramOp program;
  mlir::ImplicitLocOpBuilder b;
  Scope top;
  std::map<std::string, int64_t> dims;  ///< of symbols, as bound
  std::map<std::string, int64_t> reads; ///< names that nodes or outputs read
  std::map<std::string, mlir::Value> parameters;
  std::map<std::string, int64_t> symbols;
  std::map<std::string, HostTensor> constants;
  std::set<std::string> picked;            ///< tables whose rows known indices pick
  llvm::SmallVector<GraphValueRef> tables; ///< initializers that ids pick rows of
  mlir::Operation *lastGet = nullptr;      ///< reads of parameters come first in the program
  mlir::Value tokens, labels;
  std::string labelsName;
  llvm::SmallVector<std::string> argumentNames;
  llvm::SmallVector<mlir::Attribute> inputPorts, outputPorts; ///< what became of each, for nf.ports
  bool isCausal = false;                                      ///< a mask hides later tokens
  bool isLanguageModel = false;                               ///< ids to logits
  EvaluationBudget budget;

  struct Refusal {
    mlir::Location location;
    std::string what;
    int64_t count = 1;
  };
  std::vector<Refusal> refusals;
};

} // namespace nf::onnxfe

#endif // NF_FRONTEND_ONNX_GRAPHIMPORTER_H
