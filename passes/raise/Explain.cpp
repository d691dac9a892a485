#include "passes/raise/Explain.h"
#include "passes/TextTable.h"
#include "passes/raise/FileRule.h"
#include "passes/raise/ModelStructure.h"

#include <fmt/format.h>

using namespace mlir;
using namespace nf;

RemarkCollector::RemarkCollector(MLIRContext &context)
    : handler(&context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Remark)
          return failure();
        Remark remark{partName(diagnostic.getLocation()), diagnostic.str()};
        if (!llvm::is_contained(collected, remark)) // each program of the module is rewritten alike
          collected.push_back(remark);
        return success();
      }) {}

static std::string orNone(StringRef place) { return place.empty() ? "-" : place.str(); }

/// The part of the model that an op is, where the layer has it.
static std::string placeOf(Operation *op) {
  if (!op)
    return "-";
  std::string name = partName(op->getLoc());
  return name.empty() ? "yes" : name;
}

static std::string layersText(ModelStructure &model) {
  std::vector<std::vector<std::string>> rows{
      {"layer", "attention", "placement", "attention LN", "HeadScale", "FFN LN", "ResScale", "activation"}};
  for (auto [index, layer] : llvm::enumerate(model.layers)) {
    std::string scale = placeOf(layer.headScale);
    if (layer.headScale)
      scale += layer.scalesBeforeProjection ? " (pre_proj)" : " (post_proj)";
    StringRef activation = layer.activation ? layer.activation->getName().stripDialect() : "";
    rows.push_back({std::to_string(index), placeOf(layer.attention), placementName(layer.placement).str(),
                    placeOf(layer.postNorm), scale, placeOf(layer.activationNorm), placeOf(layer.residualScale),
                    orNone(activation)});
  }
  return tableOf(rows);
}

/// The name that a weights file has for a parameter, where it is another.
static std::string otherName(ParameterOp parameter) {
  std::string name = nameInFile(parameter);
  return name != parameter.getSymName() ? name : "";
}

/// The parameter that both embeds tokens and projects to the vocabulary, or "".
static std::string tiedParameter(ModelStructure &model) {
  if (!model.head || model.embeddings.empty())
    return "";
  GetOp head = parameterOf(model.head->getOperand(1)), table = parameterOf(model.embeddings.front().getWeight());
  return head && table && head.getSymbol() == table.getSymbol() ? head.getSymbol().str() : "";
}

static std::string parametersText(ModuleOp module, ProgramOp program, ModelStructure &model) {
  llvm::StringMap<ParameterRole> roles = rolesOf(program);
  std::string tied = tiedParameter(model);
  std::vector<std::vector<std::string>> rows{{"parameter", "shape", "role", "trained", "tied to", "in the file"}};
  for (auto parameter : module.getOps<ParameterOp>()) {
    std::string shape;
    for (int64_t extent : cast<ShapedType>(parameter.getType()).getShape())
      shape += (shape.empty() ? "" : "x") + std::to_string(extent);
    rows.push_back({parameter.getSymName().str(), shape, orNone(roles.lookup(parameter.getSymName()).kind),
                    parameter.getTrainable() ? "trained" : "frozen", parameter.getSymName() == tied ? "lm_head" : "",
                    otherName(parameter)});
  }
  return tableOf(rows);
}

std::string nf::explain(ModuleOp module, const std::vector<RemarkCollector::Remark> &remarks) {
  ProgramOp program = structureProgram(module);
  if (!program)
    return "no program\n";
  ModelStructure model = readStructure(program);
  std::string text = model.layers.empty() ? "no layer: no attention was recognised\n" : layersText(model);
  if (!remarks.empty())
    text += "\n";
  for (const RemarkCollector::Remark &remark : remarks)
    text += remark.part.empty() ? remark.text + "\n" : fmt::format("{}: {}\n", remark.part, remark.text);
  return text + "\n" + parametersText(module, program, model);
}
