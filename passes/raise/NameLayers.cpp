//===- NameLayers.cpp - parts of the model named in locations ---------------------------------===//
//
// 1. The ops that ModelStructure finds get the names that a definition gives them.
// 2. Between a layer's input and the next one's lies what depends on the first and what the second depends on: these
// ops
//    are the layer's too. Those up to the sum that ends attention's branch are attention's, the others the feed-forward
//    network's. Masks and tables, which layers share, depend on no layer's input.
//
// An op whose name says the layer already keeps it: models of a definition stay as they are.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/ModelStructure.h"
#include "passes/raise/Passes.h"

namespace nf {
#define GEN_PASS_DEF_NAMELAYERS
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static void setName(Operation *op, const Twine &name) {
  op->setLoc(NameLoc::get(StringAttr::get(op->getContext(), name), op->getLoc()));
}

namespace {
class LayerNamer {
public:
  explicit LayerNamer(ProgramOp program) : body(program.getBody().front()), model(readStructure(program)) {}

  void run() {
    for (auto [index, layer] : llvm::enumerate(model.layers))
      nameParts(layer, "layers." + std::to_string(index) + ".");
    for (size_t index = 0; index < model.layers.size(); ++index)
      nameBetween(index);
    for (auto [embedding, name] : llvm::zip(model.embeddings, embeddingNames))
      nameOuter(embedding, name);
    for (Operation *op : model.embeddingNorm.ops)
      nameOuter(op, "embed.ln");
    for (Operation *op : model.finalNorm.ops)
      nameOuter(op, "final_ln");
    if (isa_and_nonnull<LinearOp>(model.head)) // otherwise a loss, which has a name of its own
      nameOuter(model.head, "lm_head");
  }

private:
  static void nameOuter(Operation *op, StringRef name) {
    if (op && partName(op->getLoc()) != name)
      setName(op, name);
  }

  void name(Operation *op, const std::string &layer, const Twine &part) {
    if (op && named.insert(op).second && !StringRef(partName(op->getLoc())).starts_with("layers."))
      setName(op, layer + part);
  }

  void nameParts(TransformerLayer &layer, const std::string &path) {
    forEachPart(
        layer, [&](LinearOp op, StringRef part) { name(op, path, part); },
        [&](const NormPart &norm, StringRef part) {
          for (Operation *op : norm.ops)
            name(op, path, part);
        });
    name(layer.attention, path, "attn");
    name(layer.headScale, path, "attn.head_scale");
    name(layer.activation, path, "ffn.activation");
    name(layer.residualScale, path, "ffn.residual_scale");
    bool isOneSum = layer.attentionSum == layer.feedForwardSum;
    name(layer.attentionSum, path, isOneSum ? "residual" : "attn.residual");
    name(layer.feedForwardSum, path, "ffn.residual");
  }

  /// The stream behind a layer: the next one's input, else its own output, else what the last norm reads.
  Value endOf(size_t index) {
    if (index + 1 < model.layers.size())
      return model.layers[index + 1].input;
    if (Value output = model.layers[index].output())
      return output;
    return model.finalNorm.x;
  }

  void nameBetween(size_t index) {
    TransformerLayer &layer = model.layers[index];
    std::string path = "layers." + std::to_string(index) + ".";
    bool isParallel = layer.placement == NormPlacement::Parallel;
    if (isParallel)
      nameBetween(layer.input, layer.fc2.getResult(), path, "ffn.");
    if (layer.attentionSum)
      nameBetween(layer.input, layer.attentionSum.getResult(), path, "attn.");
    nameBetween(layer.input, endOf(index), path, "ffn.");
  }

  void nameBetween(Value from, Value to, const std::string &path, const Twine &branch) {
    if (!from || !to)
      return;
    llvm::SmallPtrSet<Operation *, 32> before, after;
    SmallVector<Value> waiting{to};
    while (!waiting.empty()) {
      Value value = waiting.pop_back_val();
      if (Operation *op = value == from ? nullptr : value.getDefiningOp(); op && before.insert(op).second)
        llvm::append_range(waiting, op->getOperands());
    }
    for (Operation &op : body) {
      bool depends = llvm::any_of(op.getOperands(), [&](Value operand) {
        return operand == from || (operand.getDefiningOp() && after.contains(operand.getDefiningOp()));
      });
      if (!depends)
        continue;
      after.insert(&op);
      if (before.contains(&op))
        name(&op, path, branch + op.getName().stripDialect());
    }
  }

  Block &body;
  ModelStructure model;
  llvm::SmallPtrSet<Operation *, 32> named;
};

struct NameLayers : nf::impl::NameLayersBase<NameLayers> {
  void runOnOperation() override { LayerNamer(getOperation()).run(); }
};
} // namespace
