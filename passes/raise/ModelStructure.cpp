// Follows the residual stream: from each attention op back to the linears that q, k and v come from and forward to the
// sum that ends its branch, then from that sum through the feed-forward network to the next.
#include "passes/raise/ModelStructure.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace nf;

/// Ops between two parts of a layer, at most: rotary embeddings take some.
static constexpr unsigned farthest = 64;

StringRef nf::placementName(NormPlacement placement) {
  switch (placement) {
  case NormPlacement::Pre:
    return "pre";
  case NormPlacement::Post:
    return "post";
  case NormPlacement::Parallel:
    return "parallel";
  case NormPlacement::Other:
    return "other";
  }
  return "other";
}

std::string nf::partName(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (std::string name = partName(part); !name.empty())
        return name;
  return "";
}

std::string nf::sourceName(Location location) {
  auto name = dyn_cast<NameLoc>(location);
  std::string inner = name ? sourceName(name.getChildLoc()) : "";
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (inner.empty())
        inner = sourceName(part);
  return name && inner.empty() ? name.getName().str() : inner;
}

Value TransformerLayer::output() {
  if (placement == NormPlacement::Post && feedForwardNorm)
    return feedForwardNorm.result();
  return feedForwardSum ? feedForwardSum.getResult() : Value();
}

void nf::forEachPart(const TransformerLayer &layer, function_ref<void(LinearOp, StringRef)> linear,
                     function_ref<void(const NormPart &, StringRef)> norm) {
  norm(layer.attentionNorm, "attn.ln");
  bool isPacked = layer.q && layer.q == layer.k;
  linear(layer.q, isPacked ? "attn.qkv" : "attn.q");
  if (!isPacked)
    linear(layer.k, "attn.k");
  if (layer.v != layer.q)
    linear(layer.v, "attn.v");
  linear(layer.out, "attn.out");
  norm(layer.postNorm, "attn.post_ln");
  norm(layer.feedForwardNorm, "ffn.ln");
  linear(layer.fc1, "ffn.fc1");
  linear(layer.up, "ffn.up");
  linear(layer.fc2, "ffn.fc2");
  norm(layer.activationNorm, "ffn.act_ln");
}

/// The value without casts and movement.
static Value origin(Value value) {
  while (isa_and_nonnull<CastOp, ReshapeOp, TransposeOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

/// The nearest op of type `Op` that `value` is computed from, not through another linear or LayerNorm.
template <typename Op> static Op nearestSource(Value value) {
  llvm::SmallSetVector<Value, 16> values;
  values.insert(value);
  for (size_t i = 0; i < values.size() && i < farthest; ++i) {
    Operation *op = values[i].getDefiningOp();
    if (auto found = dyn_cast_or_null<Op>(op))
      return found;
    if (op && !isa<LinearOp, LayerNormOp, AttentionOp, EmbeddingOp>(op))
      values.insert(op->operand_begin(), op->operand_end());
  }
  return {};
}

/// Visits what is computed from `value`, nearest first; `visit` says whether to go on behind an op.
static void walkForward(Value value, function_ref<bool(Operation *)> visit) {
  llvm::SmallSetVector<Operation *, 16> ops;
  auto addUsers = [&](Value v) {
    SmallVector<Operation *> users(v.getUsers());
    llvm::sort(users, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    ops.insert(users.begin(), users.end());
  };
  addUsers(value);
  for (size_t i = 0; i < ops.size() && i < farthest; ++i)
    if (visit(ops[i]) && ops[i]->getNumResults() > 0)
      addUsers(ops[i]->getResult(0));
}

/// Ops that lie on a branch without being a part of it: movement, dropout, a factor (LayerScale).
static bool isTransparent(Operation *op) {
  bool scales =
      isa<MulOp>(op) && llvm::any_of(op->getOperands(), [](Value v) { return numberOf(v) || isWeightOnly(v); });
  return scales || isa<CastOp, ReshapeOp, TransposeOp, DropoutOp>(op);
}

namespace {
/// Reads one layer.
class LayerReader {
public:
  LayerReader(AttentionOp attention, const NormFinder &norms) : norms(norms) { layer.attention = attention; }

  TransformerLayer read() {
    layer.q = nearestSource<LinearOp>(layer.attention.getQ());
    layer.k = nearestSource<LinearOp>(layer.attention.getK());
    layer.v = nearestSource<LinearOp>(layer.attention.getV());
    readAttentionBranch();
    layer.attentionSum = sum;
    if (LinearOp first = layer.q ? layer.q : layer.v) // queries may have a norm of their own
      layer.input = origin(first.getX());
    if (sum && readParallel())
      return layer;
    if (sum)
      readPlacement();
    if (stream)
      readFeedForward();
    if (!layer.feedForwardSum)
      forgetFeedForward();
    return layer;
  }

private:
  /// From attention to the sum that its branch ends in.
  void readAttentionBranch() {
    walkForward(layer.attention->getResult(0), [&](Operation *op) {
      if (norms.isInside(op))
        return true;
      if (auto add = dyn_cast<AddOp>(op)) {
        sum = sum ? sum : add;
        return false;
      }
      if (auto linear = dyn_cast<LinearOp>(op)) {
        bool isFirst = !layer.out && !sum;
        layer.out = isFirst ? linear : layer.out;
        return isFirst;
      }
      if (auto scale = dyn_cast<HeadScaleOp>(op)) {
        layer.headScale = scale;
        layer.scalesBeforeProjection = !layer.out;
        return true;
      }
      if (NormPart norm = norms.endingAt(op)) {
        layer.postNorm = layer.out ? norm : layer.postNorm; // one before the projection is another design's
        return true;
      }
      noteScale(op, layer.out ? &layer.attentionScale : nullptr);
      return isTransparent(op);
    });
  }

  /// Notes a LayerScale.
  static void noteScale(Operation *op, Value *scale) {
    if (Value vector = scale && isa<MulOp>(op) ? columnVectorOf(op) : Value())
      *scale = vector;
  }

  /// Pre-LN: the linears' input is a LayerNorm of what the branch is added to; Post-LN: it is that value itself, and
  /// the sum has a LayerNorm.
  void readPlacement() {
    NormPart norm = norms.of(layer.input);
    stream = sum.getResult();
    for (Value operand : sum->getOperands()) {
      Value residual = origin(operand);
      if (auto scale = residual.getDefiningOp<ResidualScaleOp>()) // another design's: NormFormer has it after it
        residual = origin(scale.getX());
      if (norm && residual == origin(norm.x)) {
        layer.placement = NormPlacement::Pre;
        layer.attentionNorm = norm;
        layer.input = origin(norm.x);
        return;
      }
      if (residual != layer.input)
        continue;
      layer.placement = NormPlacement::Post;
      if ((layer.attentionNorm = normOf(sum)))
        stream = layer.attentionNorm.result();
      return;
    }
  }

  /// Attention's branch, a feed-forward one, and the value that both read, in one sum.
  bool readParallel() {
    NormPart norm = norms.of(layer.input);
    AddOp end = sum;
    SmallVector<Value> addends = addendsOf(end);
    bool isAdded = norm && llvm::any_of(addends, [&](Value v) { return origin(v) == origin(norm.x); });
    for (Value addend : isAdded ? addends : SmallVector<Value>()) {
      if (!readBranch(addend, origin(norm.x)))
        continue;
      layer.attentionNorm = norm;
      layer.placement = NormPlacement::Parallel;
      layer.input = origin(norm.x);
      layer.attentionSum = layer.feedForwardSum = end;
      return true;
    }
    return false;
  }

  /// What is added up in the largest sum that `add` is a part of, which becomes `add`.
  static SmallVector<Value> addendsOf(AddOp &add) {
    while (add->hasOneUse() && isa<AddOp>(*add->user_begin()))
      add = cast<AddOp>(*add->user_begin());
    SmallVector<Value> sums{add.getResult()}, addends;
    while (!sums.empty()) {
      Value value = origin(sums.pop_back_val());
      auto inner = value.getDefiningOp<AddOp>();
      if (!inner || (inner != add && !inner->hasOneUse()))
        addends.push_back(value);
      else
        sums.append({inner.getLhs(), inner.getRhs()});
    }
    return addends;
  }

  /// A feed-forward branch, from its end back to a LayerNorm of `source`.
  bool readBranch(Value value, Value source) {
    while (Operation *op = value.getDefiningOp()) {
      noteScale(op, &layer.feedForwardScale);
      if (!isTransparent(op))
        break;
      value = op->getOperand(isa<MulOp>(op) && isWeightOnly(op->getOperand(0)) ? 1 : 0);
    }
    layer.fc2 = value.getDefiningOp<LinearOp>();
    value = layer.fc2 && layer.fc2 != layer.out ? layer.fc2.getX() : Value();
    while (value && !layer.fc1) {
      Operation *op = value.getDefiningOp();
      layer.fc1 = dyn_cast_or_null<LinearOp>(op);
      if (NormPart norm = norms.of(value)) {
        layer.activationNorm = norm;
        value = norm.x;
        continue;
      }
      if (isActivation(op))
        layer.activation = op;
      bool goesOn = op && (isActivation(op) || isTransparent(op) || isa<SliceOp>(op));
      value = goesOn ? op->getOperand(0) : Value();
    }
    NormPart norm = layer.fc1 ? norms.of(origin(layer.fc1.getX())) : NormPart();
    if (norm && layer.activation && origin(norm.x) == source) {
      layer.feedForwardNorm = norm;
      return true;
    }
    forgetFeedForward();
    return false;
  }

  /// Whether an activation reads it, rather than another branch's product (SwiGLU).
  static bool isActivated(LinearOp linear) {
    return llvm::any_of(linear->getUsers(), [](Operation *op) { return isActivation(op); });
  }

  static bool isActivation(Operation *op) { return isa_and_nonnull<GeluOp, GeluTanhOp, ReluOp, Relu2Op, SiluOp>(op); }

  /// The norm of `value` through casts and reshapes, or none.
  NormPart normOf(Value value) {
    NormPart found;
    walkForward(value, [&](Operation *op) {
      if (NormPart norm = norms.endingAt(op))
        found = found ? found : norm;
      else if (norms.isInside(op))
        return true;
      return isa<CastOp, ReshapeOp>(op);
    });
    return found;
  }

  /// The product of an activation and another linear of the same input.
  void readGate(Operation *op) {
    if (!isa<MulOp>(op) || !layer.activation || layer.up)
      return;
    for (unsigned side : {0u, 1u}) {
      auto up = origin(op->getOperand(1 - side)).getDefiningOp<LinearOp>();
      if (origin(op->getOperand(side)) == layer.activation->getResult(0) && up && up.getX() == layer.fc1.getX())
        layer.up = up;
    }
  }

  void readFeedForward() {
    Value input = stream;
    if (layer.placement == NormPlacement::Pre) {
      layer.feedForwardNorm = normOf(stream);
      if (!layer.feedForwardNorm)
        return;
      input = layer.feedForwardNorm.result();
    }
    walkForward(input, [&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op);
          linear && (!layer.fc1 || (isActivated(linear) && !isActivated(layer.fc1))))
        layer.fc1 = linear;
      return isTransparent(op);
    });
    if (!layer.fc1)
      return;
    walkForward(layer.fc1.getResult(), [&](Operation *op) {
      if (auto linear = dyn_cast<LinearOp>(op)) {
        layer.fc2 = layer.fc2 ? layer.fc2 : linear;
        return false;
      }
      if (NormPart norm = norms.endingAt(op))
        layer.activationNorm = norm;
      if (isActivation(op))
        layer.activation = op;
      readGate(op);
      return !layer.fc2;
    });
    if (layer.fc2)
      readFeedForwardSum();
  }

  /// What was found does not end in the stream: it is something else, such as the end of the model.
  void forgetFeedForward() {
    layer.feedForwardNorm = layer.activationNorm = NormPart();
    layer.fc1 = layer.fc2 = layer.up = LinearOp();
    layer.activation = nullptr;
    layer.feedForwardScale = Value();
  }

  /// The sum that the feed-forward branch ends in: its other operand is the stream, scaled or not.
  void readFeedForwardSum() {
    AddOp end;
    walkForward(layer.fc2.getResult(), [&](Operation *op) {
      if (norms.isInside(op))
        return true;
      if (auto add = dyn_cast<AddOp>(op))
        end = end ? end : add;
      noteScale(op, end ? nullptr : &layer.feedForwardScale);
      return isTransparent(op) || norms.endingAt(op); // a norm of the branch is another design's
    });
    for (Value operand : end ? end->getOperands() : ValueRange()) {
      Value residual = origin(operand);
      if (auto scale = residual.getDefiningOp<ResidualScaleOp>(); scale && origin(scale.getX()) == origin(stream)) {
        layer.residualScale = scale;
        layer.feedForwardSum = end;
      }
      if (residual == origin(stream))
        layer.feedForwardSum = end;
    }
    if (layer.feedForwardSum && layer.placement == NormPlacement::Post && layer.attentionNorm)
      layer.feedForwardNorm = normOf(end);
  }

  const NormFinder &norms;
  TransformerLayer layer;
  AddOp sum;
  Value stream;
};
} // namespace

//===------------------------------------------------------------------------------------------===//
// The whole model
//===------------------------------------------------------------------------------------------===//

static bool isInLayer(const ModelStructure &model, const NormPart &norm) {
  return llvm::any_of(model.layers, [&](const TransformerLayer &layer) {
    return llvm::is_contained({layer.attentionNorm, layer.feedForwardNorm, layer.postNorm, layer.activationNorm}, norm);
  });
}

ModelStructure nf::readStructure(ProgramOp program) {
  ModelStructure model;
  Block &block = program.getBody().front();
  NormFinder norms(program);
  for (auto attention : block.getOps<AttentionOp>())
    model.layers.push_back(LayerReader(attention, norms).read());
  BlockArgument tokens = program.findArgument("tokens");
  for (auto embedding : block.getOps<EmbeddingOp>()) {
    bool isOfTokens = tokens && origin(embedding.getIds()) == tokens;
    model.embeddings.insert(isOfTokens ? model.embeddings.begin() : model.embeddings.end(), embedding);
  }
  for (Operation &op : block)
    if (isa<LinearOp, LinearCrossEntropyOp, LinearCrossEntropyBackwardOp>(op))
      model.head = &op;
  bool isOfLayer = llvm::any_of(model.layers, [&](const TransformerLayer &layer) {
    return model.head == layer.fc2 || model.head == layer.out || model.head == layer.fc1;
  });
  if (isOfLayer)
    model.head = nullptr;
  for (const NormPart &norm : norms.all()) {
    if (isInLayer(model, norm))
      continue;
    if (!model.layers.empty() && norm.end->isBeforeInBlock(model.layers.front().attention))
      model.embeddingNorm = norm;
    else if (model.head && origin(model.head->getOperand(0)) == norm.result())
      model.finalNorm = norm;
  }
  model.norms.assign(norms.all().begin(), norms.all().end());
  return model;
}

ProgramOp nf::structureProgram(ModuleOp module) {
  for (StringRef name : {"forward", "forward_backward"})
    if (auto program = module.lookupSymbol<ProgramOp>(name))
      return program;
  auto programs = module.getOps<ProgramOp>();
  return programs.empty() ? ProgramOp() : *programs.begin();
}

//===------------------------------------------------------------------------------------------===//
// Roles of parameters
//===------------------------------------------------------------------------------------------===//

SmallVector<GetOp> nf::tablesOf(ProgramOp program) {
  SmallVector<GetOp> tables;
  auto attentions = program.getBody().front().getOps<AttentionOp>();
  for (auto sum : program.getBody().front().getOps<AddOp>()) {
    if (!attentions.empty() && !sum->isBeforeInBlock(*attentions.begin()))
      break;
    for (unsigned side : {0u, 1u}) {
      Value table = sum->getOperand(side);
      while (isa_and_nonnull<ReshapeOp, SliceOp, BroadcastOp>(table.getDefiningOp()))
        table = table.getDefiningOp()->getOperand(0);
      auto get = table.getDefiningOp<GetOp>();
      if (get && nearestSource<EmbeddingOp>(sum->getOperand(1 - side)))
        tables.push_back(get);
    }
  }
  return tables;
}

namespace {
class RoleReader {
public:
  explicit RoleReader(ProgramOp program) : program(program), model(readStructure(program)) {}

  llvm::StringMap<ParameterRole> read() {
    for (auto [index, layer] : llvm::enumerate(model.layers))
      readLayer(layer, "layers." + std::to_string(index) + ".");
    for (auto [embedding, name] : llvm::zip(model.embeddings, embeddingNames))
      add(embedding.getWeight(), (name + ".weight").str(), "embedding");
    readTables();
    norm(model.embeddingNorm, "embed.ln");
    norm(model.finalNorm, "final_ln");
    readHead();
    readKinds();
    return std::move(roles);
  }

private:
  /// Gives the parameter behind `value` a role, unless it has one.
  void add(Value value, const std::string &name, StringRef kind) {
    GetOp get = value ? sourceParameterOf(value) : GetOp();
    if (!get)
      return;
    ParameterRole &role = roles[get.getSymbol()];
    if (role.kind.empty())
      role.kind = kind;
    if (role.name.empty())
      role.name = name;
  }

  /// Not a copy a sequence of the batch, as exporters write a table that they looked up.
  static bool isOneTable(GetOp get) {
    ArrayRef<int64_t> shape = tensorType(get).getShape();
    return llvm::all_of(shape.drop_back(std::min<size_t>(shape.size(), 2)), [](int64_t extent) { return extent == 1; });
  }

  /// Learned tables are told from tables of sines, and from what an exporter computed, by the name that their module
  /// gave them.
  void readTables() {
    for (GetOp table : tablesOf(program)) {
      StringRef name = table.getSymbol();
      bool isLearned = (name.contains_insensitive("emb") || name.ends_with(".weight")) && isOneTable(table);
      if (isLearned && !name.contains_insensitive("sin"))
        add(table, "", "embedding");
    }
  }

  void linear(LinearOp op, const std::string &path) {
    if (!op)
      return;
    add(op.getWeight(), path.empty() ? "" : path + ".weight", "linear weight");
    add(op.getBias(), path.empty() ? "" : path + ".bias", "bias");
  }

  void norm(const NormPart &part, const std::string &path) {
    add(part.weight, path.empty() ? "" : path + ".weight", "norm scale");
    add(part.bias, path.empty() ? "" : path + ".bias", "norm shift");
  }

  void readLayer(TransformerLayer &layer, const std::string &path) {
    forEachPart(
        layer, [&](LinearOp op, StringRef part) { linear(op, path + part.str()); },
        [&](const NormPart &found, StringRef part) { norm(found, path + part.str()); });
    add(layer.attentionScale, path + "attn.layer_scale", "LayerScale");
    add(layer.feedForwardScale, path + "ffn.layer_scale", "LayerScale");
    if (layer.headScale)
      add(layer.headScale.getGamma(), path + "attn.head_scale", "HeadScale");
    if (layer.residualScale)
      add(layer.residualScale.getScale(), path + "ffn.residual_scale", "ResScale");
  }

  void readHead() {
    if (auto op = dyn_cast_or_null<LinearOp>(model.head)) {
      linear(op, "lm_head");
    } else if (auto loss = dyn_cast_or_null<LinearCrossEntropyOp>(model.head)) {
      add(loss.getWeight(), "lm_head.weight", "linear weight");
      add(loss.getBias(), "lm_head.bias", "bias");
    }
  }

  /// Parameters outside of layers: what they are, without a name.
  void readKinds() {
    for (const NormPart &part : model.norms)
      norm(part, "");
    for (Operation &op : program.getBody().front()) {
      linear(dyn_cast<LinearOp>(op), "");
      if (auto embedding = dyn_cast<EmbeddingOp>(op))
        add(embedding.getWeight(), "", "embedding");
      if (auto scale = dyn_cast<HeadScaleOp>(op))
        add(scale.getGamma(), "", "HeadScale");
      if (auto scale = dyn_cast<ResidualScaleOp>(op))
        add(scale.getScale(), "", "ResScale");
      if (isLayerScale(&op))
        add(columnVectorOf(&op), "", "LayerScale");
    }
  }

  /// Whether `op` scales the columns of what a linear gives, on its way into a sum.
  static bool isLayerScale(Operation *op) {
    Value vector = isa<MulOp>(op) ? columnVectorOf(op) : Value();
    if (!vector)
      return false;
    Operation *from = op->getOperand(op->getOperand(0) == vector ? 1 : 0).getDefiningOp();
    while (from && isTransparent(from) && !isa<MulOp>(from))
      from = from->getOperand(0).getDefiningOp();
    while (op->hasOneUse() && isTransparent(*op->user_begin()) && !isa<MulOp>(*op->user_begin()))
      op = *op->user_begin();
    return isa_and_nonnull<LinearOp>(from) && op->hasOneUse() && isa<AddOp>(*op->user_begin());
  }

  ProgramOp program;
  ModelStructure model;
  llvm::StringMap<ParameterRole> roles;
};
} // namespace

llvm::StringMap<ParameterRole> nf::rolesOf(ProgramOp program) { return RoleReader(program).read(); }
