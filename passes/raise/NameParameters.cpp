//===- NameParameters.cpp - names and training by role -------------------------------------------===//
//
// For parameters that a file holds:
//
// 1. What a parameter is follows from the composite op that reads it (ModelStructure.h).
// 2. One whose name says nothing ("val_12", "onnx::MatMul_34") gets that of its role, as docs/parameters.md has them;
//    others keep theirs.
// 3. Weights are trained: of linears, embeddings, norms, biases, HeadScale, ResScale. What has no such role is not:
//    masks, tables of sines, and a constant of equal elements that several norms or scales share. Exporters merge
//    initial values that are equal, so a warning says how to keep them apart.
// 4. What an exporter computed of a parameter is said too: a scale (1 + gamma) is trained as it stands, a table of
//    positions that is added to embeddings is not.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/FileRule.h"
#include "passes/raise/ModelStructure.h"
#include "passes/raise/Passes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Regex.h"

namespace nf {
#define GEN_PASS_DEF_NAMEPARAMETERS
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// Whether an exporter made the name up: a number, or the name of the op that it folded away (dynamo's "view_3").
static bool isAnonymous(StringRef name) {
  static const llvm::Regex numbered("^[_.]?(val|t|const|constant|initializer|tensor|param|p|x)?[_.]?[0-9]+$",
                                    llvm::Regex::IgnoreCase);
  static const llvm::Regex folded("^(_unsafe_view|view|reshape|permute|transpose|unsqueeze|squeeze|expand|embedding|"
                                  "slice|select|clone|add|mul)(_[0-9]+)?$");
  return name.contains("::") || numbered.match(name) || folded.match(name);
}

/// The LayerNorms, HeadScales, ResScales and LayerScales that read each parameter.
static llvm::StringMap<unsigned> countScales(ProgramOp program) {
  llvm::StringMap<unsigned> counts;
  auto count = [&](Value value) {
    if (GetOp get = value ? sourceParameterOf(value) : GetOp())
      ++counts[get.getSymbol()];
  };
  for (Operation &op : program.getBody().front())
    if (isa<LayerNormOp, HeadScaleOp, ResidualScaleOp>(op))
      llvm::for_each(op.getOperands().drop_front(), count);
    else if (isa<MulOp>(op))
      count(columnVectorOf(&op));
  return counts;
}

namespace {
struct NameParameters : nf::impl::NameParametersBase<NameParameters> {
  void runOnOperation() override {
    ProgramOp program = structureProgram(getOperation());
    if (!program)
      return;
    llvm::StringMap<ParameterRole> roles = rolesOf(program);
    llvm::StringMap<unsigned> scales = countScales(program);
    SmallVector<std::string> frozen, computed, tables;
    llvm::StringSet<> added;
    for (GetOp table : tablesOf(program))
      added.insert(table.getSymbol());
    SymbolTable symbols(getOperation());
    for (auto parameter : llvm::make_early_inc_range(getOperation().getOps<ParameterOp>())) {
      auto rule = fileRule(parameter);
      if (!rule)
        continue;
      const ParameterRole role = roles.lookup(parameter.getSymName());
      bool isSharedConstant = rule->get("splat") && scales.lookup(parameter.getSymName()) > 1;
      if (isSharedConstant && parameter.getTrainable())
        frozen.push_back((parameter.getSymName() + " (" + Twine(scales.lookup(parameter.getSymName())) + ")").str());
      bool isPicked = rule->getString("role") == "embedding"; // by indices that the importer turned into a slice
      bool isTable = role.kind.empty() && added.contains(parameter.getSymName());
      if (isAnonymous(parameter.getSymName()) && parameter.getTrainable() && !isPicked && !isSharedConstant) {
        if (isTable)
          tables.push_back(parameter.getSymName().str());
        if (isScale(role.kind))
          computed.push_back(parameter.getSymName().str());
      }
      parameter.setTrainable((isPicked || !role.kind.empty()) && !isSharedConstant && parameter.getTrainable());
      if (isAnonymous(parameter.getSymName()) && !role.name.empty() && !isSharedConstant)
        rename(symbols, parameter, role.name);
    }
    warn("one tensor of equal elements stands for the weights of several norms or scales, as exporters merge equal "
         "initial values: ",
         frozen, "; these are frozen. To train each by itself,");
    warn("the exporter computed weights of norms or scales from the model's own, such as 1 + gamma: ", computed,
         "; these are trained as they stand. To train the model's own,");
    warn("the exporter computed tables that are added to embeddings: ", tables,
         "; these are frozen. To train positions that the model learns,");
  }

  void warn(StringRef what, ArrayRef<std::string> names, StringRef instead) {
    if (!names.empty())
      getOperation().emitWarning() << what << llvm::join(names, ", ") << instead
                                   << " export with torch.onnx.export(..., dynamo=True, optimize=False)";
  }

  /// Whether exporters keep the names of parameters of this kind, unless they compute with them. Not HeadScale's:
  /// models view it as [heads, 1, 1], and exporters make that a tensor without a name.
  static bool isScale(StringRef kind) { return kind == "norm scale" || kind == "ResScale" || kind == "LayerScale"; }

  /// Keeps the old name where another parameter has the new one.
  void rename(SymbolTable &symbols, ParameterOp parameter, StringRef name) {
    if (symbols.lookup(name))
      return;
    if (failed(symbols.rename(parameter, name)))
      signalPassFailure();
  }
};
} // namespace
