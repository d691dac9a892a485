#include "passes/raise/Explain.h"
#include "passes/TextTable.h"
#include "passes/raise/FileRule.h"
#include "passes/raise/ModelStructure.h"

#include "llvm/ADT/StringSwitch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

/// The part of the model that an op is, as its file names it, where the layer has it.
static std::string placeOf(Operation *op) {
  if (!op)
    return "-";
  std::string name = sourceName(op->getLoc());
  return name.empty() ? "yes" : name;
}

static std::string placeOf(const NormPart &norm) { return placeOf(norm.end) + (norm.isRms() ? " (RMSNorm)" : ""); }

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

static std::string shapeText(ArrayRef<int64_t> shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, "x"));
}

static std::string parametersText(ModuleOp module, ProgramOp program, ModelStructure &model) {
  llvm::StringMap<ParameterRole> roles = rolesOf(program);
  std::string tied = tiedParameter(model);
  std::vector<std::vector<std::string>> rows{{"parameter", "shape", "role", "trained", "tied to", "in the file"}};
  for (auto parameter : module.getOps<ParameterOp>()) {
    std::string shape = shapeText(cast<ShapedType>(parameter.getType()).getShape());
    rows.push_back({parameter.getSymName().str(), shape, orNone(roles.lookup(parameter.getSymName()).kind),
                    parameter.getTrainable() ? "trained" : "frozen", parameter.getSymName() == tied ? "lm_head" : "",
                    otherName(parameter)});
  }
  return tableOf(rows);
}

/// What labels are to the graph's own loss, by the module attribute nf.loss; without one, nothing reads them.
static std::string labelsText(DictionaryAttr loss) {
  if (!loss)
    return "left out: no --loss-output reads it";
  auto shift = loss.getAs<IntegerAttr>("shift");
  bool isShifted = shift && shift.getInt() > 0;
  auto ignored = loss.getAs<IntegerAttr>("ignored");
  return (isShifted ? "labels: the ids, which the loss moves by one token" : "labels: what each token is to predict") +
         (ignored ? "; " + std::to_string(ignored.getInt()) + " where a token does not count" : std::string());
}

/// What the inputs and outputs of an imported graph became, by the module attribute nf.ports.
static std::string portsText(ModuleOp module) {
  auto ports = module->getAttrOfType<DictionaryAttr>("nf.ports");
  if (!ports)
    return "";
  auto loss = module->getAttrOfType<DictionaryAttr>("nf.loss");
  auto textOf = [&](StringRef becomes) -> std::string {
    return llvm::StringSwitch<std::string>(becomes)
        .Case("labels", labelsText(loss))
        .Case("ones", "ones: every token is real, none is padding")
        .Case("positions", "positions 0, 1, 2, ...")
        .Case("zeros", "zeros: one type of tokens")
        .Case("logits", loss ? "logits" : "logits, which cross entropy is appended to")
        .Case("loss", "loss")
        .Default(becomes.str());
  };
  auto wordOf = [](DictionaryAttr port, StringRef key) {
    auto word = port.getAs<StringAttr>(key);
    return word ? word.getValue() : StringRef();
  };
  std::string text;
  for (StringRef side : {"input", "output"}) {
    std::vector<std::vector<std::string>> rows{{side.str(), "shape", "becomes"}};
    auto list = ports.getAs<ArrayAttr>((side + "s").str());
    for (Attribute each : list ? list.getValue() : ArrayRef<Attribute>())
      if (auto port = dyn_cast<DictionaryAttr>(each)) {
        auto shape = port.getAs<DenseI64ArrayAttr>("shape");
        rows.push_back(
            {wordOf(port, "name").str(), shape ? shapeText(shape.asArrayRef()) : "", textOf(wordOf(port, "becomes"))});
      }
    text += tableOf(rows) + "\n";
  }
  return text;
}

/// A loss of the graph's own that is no cross entropy of a linear: its logits are a value of the program.
static std::string lossText(ModuleOp module, ProgramOp program) {
  bool isOne = llvm::any_of(program.getBody().front(),
                            [](Operation &op) { return isa<LinearCrossEntropyOp, LinearCrossEntropyBackwardOp>(op); });
  if (isOne || !module->hasAttr("nf.loss"))
    return "";
  return lossInPrimitives.str() + "\n";
}

/// "layers.3.attn.q" as "layers.", 3 and ".attn.q"; without a number all of it is in front.
static std::tuple<StringRef, std::optional<unsigned>, StringRef> splitAtLayer(StringRef part) {
  for (size_t dot = part.find('.'); dot != StringRef::npos; dot = part.find('.', dot + 1)) {
    StringRef behind = part.drop_front(dot + 1), component = behind.take_until([](char c) { return c == '.'; });
    unsigned number;
    if (!component.getAsInteger(10, number))
      return {part.take_front(dot + 1), number, behind.drop_front(component.size())};
  }
  return {part, std::nullopt, ""};
}

/// "0-3,5" of ascending numbers.
static std::string rangesOf(ArrayRef<unsigned> numbers) {
  std::string text;
  for (size_t first = 0, last; first < numbers.size(); first = last + 1) {
    for (last = first; last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1;)
      ++last;
    text += (text.empty() ? "" : ",") + std::to_string(numbers[first]);
    if (last > first)
      text += "-" + std::to_string(numbers[last]);
  }
  return text;
}

/// A line a remark; what is said of one part in several layers is said once: "layers.0-11.attn.q: merged: …".
static std::string remarksText(const std::vector<RemarkCollector::Remark> &remarks) {
  llvm::MapVector<std::tuple<StringRef, StringRef, StringRef>, SmallVector<unsigned>> lines;
  for (const RemarkCollector::Remark &remark : remarks) {
    auto [front, layer, back] = splitAtLayer(remark.part);
    SmallVector<unsigned> &layers = lines[{front, back, remark.text}];
    if (layer)
      layers.push_back(*layer);
  }
  std::string text;
  for (auto &[key, layers] : lines) {
    auto [front, back, remark] = key;
    llvm::sort(layers);
    std::string part = front.str() + rangesOf(layers) + back.str();
    text += (part.empty() ? "" : part + ": ") + remark.str() + "\n";
  }
  return text;
}

std::string nf::explain(ModuleOp module, const std::vector<RemarkCollector::Remark> &remarks) {
  ProgramOp program = structureProgram(module);
  if (!program)
    return "no program\n";
  ModelStructure model = readStructure(program);
  std::string text = model.layers.empty() ? "no layer: no attention was recognised\n" : layersText(model);
  if (!remarks.empty())
    text += "\n";
  return text + remarksText(remarks) + lossText(module, program) + "\n" + portsText(module) +
         parametersText(module, program, model);
}
