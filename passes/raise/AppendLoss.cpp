//===- AppendLoss.cpp - the programs of a training executable, of a forward program ----------===//
//
// Before → after in Passes.td.
//
// 1. The program @forward must have an argument `tokens` [batch, sequence] and the one result `logits` [batch,
//    sequence, vocabulary].
// 2. The last projection is found behind reshapes: nf.linear, or nf.matmul (with or without an addition of a vector) by
//    a matrix, whose transpose is taken where it is [columns, vocabulary].
// 3. forward_backward and eval are @forward up to the projection's input, and the loss; without a projection, up to the
//    logits, and the loss in primitives.
//    Where the graph has a loss of its own, the program @loss, they are that, times the tokens that count.
// 4. logits is @forward for one sequence (OneSequence.h), and projects one row. Where an op mixes the sequences of a
//    batch, it runs the batch on copies of its one sequence.
// 5. @forward and @loss go. What no program needs goes with it.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/ModelStructure.h"
#include "passes/raise/OneSequence.h"
#include "passes/raise/Passes.h"

#include "llvm/ADT/StringSet.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nf {
#define GEN_PASS_DEF_APPENDLOSS
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {

/// logits = x · weightᵀ + bias. `isColumns`: the matrix is stored [columns, vocabulary].
struct Projection {
  Value x, weight, bias;
  bool isColumns = false;
};

} // namespace

//===------------------------------------------------------------------------------------------===//
// The last projection
//===------------------------------------------------------------------------------------------===//

/// The bias of an addition, as [vocabulary].
static Value vectorOperand(AddOp add, Value &rest) {
  for (auto [vector, other] : {std::pair(add.getRhs(), add.getLhs()), std::pair(add.getLhs(), add.getRhs())})
    if (tensorType(vector).getRank() == 1 && tensorType(other).getRank() > 1 &&
        tensorType(vector).getDimSize(0) == tensorType(other).getShape().back()) {
      rest = other;
      return vector;
    }
  return nullptr;
}

/// The projection that gives `logits`, or nothing.
static std::optional<Projection> projectionOf(Value logits) {
  Projection projection;
  Value value = stripReshapes(logits);
  if (auto add = value.getDefiningOp<AddOp>()) {
    Value rest;
    projection.bias = vectorOperand(add, rest);
    if (!projection.bias)
      return std::nullopt;
    value = stripReshapes(rest);
  }
  if (auto linear = value.getDefiningOp<LinearOp>()) {
    if (projection.bias && linear.getBias())
      return std::nullopt;
    projection.x = linear.getX();
    projection.weight = linear.getWeight();
    projection.bias = projection.bias ? projection.bias : linear.getBias();
  } else if (auto matmul = value.getDefiningOp<MatmulOp>()) {
    bool isPlain = tensorType(matmul.getRhs()).getRank() == 2 && !matmul.getTransposeA() && !matmul.getBias();
    if (!isPlain)
      return std::nullopt;
    projection.x = matmul.getLhs();
    projection.weight = matmul.getRhs();
    projection.isColumns = !matmul.getTransposeB();
  } else {
    return std::nullopt;
  }
  // The columns of logits must be those of the product.
  if (tensorType(value).getShape().back() != tensorType(logits).getShape().back())
    return std::nullopt;
  return projection;
}

//===------------------------------------------------------------------------------------------===//
// Programs
//===------------------------------------------------------------------------------------------===//

namespace {
class ProgramMaker {
public:
  ProgramMaker(ProgramOp forward) : forward(forward), b(forward.getLoc(), forward) {
    Operation *end = forward.getBody().front().getTerminator();
    logits = end->getOperand(0);
    tokens = tensorType(forward.findArgument("tokens"));
    projection = projectionOf(logits);
  }

  void makeForwardBackward() {
    ProgramOp program = begin("forward_backward", trainingPorts(/*hasCount=*/true), {"loss", scalar(b.getF32Type())});
    end(buildLoss(program, program.findArgument("inv_count")));
  }

  void makeEval() {
    ProgramOp program = begin("eval", trainingPorts(/*hasCount=*/false), {"loss_sum", scalar(b.getF32Type())});
    Value one = splat(b, b.getLoc(), b.getF32Type(), 1);
    end(buildLoss(program, one));
  }

  /// A training program of the graph's own loss, which is a mean over the tokens of the micro-batch: times how many of
  /// them count, and times inv_count, the micro-batches of a step add up to the mean over all of them.
  void makeOfOwnLoss(ProgramOp own, StringRef name, StringRef result, bool hasCount) {
    SmallVector<Port> ports = portsOf(own);
    if (hasCount)
      ports.push_back({"inv_count", scalar(b.getF32Type())});
    ProgramOp program = beginEmpty(own, name, ports, {result, scalar(b.getF32Type())});
    copies = IRMapping();
    for (BlockArgument argument : own.getBody().getArguments())
      copies.map(argument, argumentOf(program, argument));
    for (Operation &op : own.getBody().front().without_terminator())
      b.clone(op, copies);
    Value loss = own.getBody().front().getTerminator()->getOperand(0);
    b.setLoc(loss.getLoc());
    Value count = ReduceSumOp::create(b, program.findArgument("loss_weight"), b.getDenseI64ArrayAttr({0, 1}));
    count = asNumber(count);
    if (hasCount)
      count = MulOp::create(b, count, asNumber(program.findArgument("inv_count")));
    end(b.createOrFold<ReshapeOp>(scalar(b.getF32Type()), times(copied(loss), count)));
  }

  /// Computes one sequence, or the micro-batch where its sequences cannot be told apart: returns the op that mixes them
  /// then, else null.
  Operation *makeLogits() {
    int64_t vocabulary = tensorType(logits).getDimSize(2), sequence = tokens.getDimSize(1);
    SmallVector<Port> ports = portsOf(forward);
    for (Port &port : ports)
      if (isOfOneSequence(port.name))
        port.type = RankedTensorType::get({1, sequence}, b.getI32Type());
    ports.push_back({"index", scalar(b.getI32Type())});
    ProgramOp program =
        beginEmpty(forward, "logits", ports, {"logits", RankedTensorType::get({vocabulary}, b.getF32Type())});
    Operation *mixed = copyOneSequence(program);
    if (mixed) {
      program.getBody().front().clear();
      b.setInsertionPointToEnd(&program.getBody().front());
      copyWholeBatch(program);
    }
    b.setLoc(logits.getLoc());
    Value rows = sequenceRows(projection ? copied(projection->x) : copied(logits), sequence);
    Value index = ReshapeOp::create(b, RankedTensorType::get({1}, b.getI32Type()), program.findArgument("index"));
    Value row = GatherOp::create(b, rows, index);
    if (projection)
      row = LinearOp::create(b, row, weightRows(), copied(projection->bias));
    end(ReshapeOp::create(b, RankedTensorType::get({vocabulary}, b.getF32Type()), row));
    return mixed;
  }

private:
  Value asNumber(Value x) { return b.createOrFold<ReshapeOp>(RankedTensorType::get({1}, b.getF32Type()), x); }

  /// `loss` times a number, as [1]. The factor goes into a cross entropy, which has to end the graph; one that
  /// something else is computed of is written out.
  Value times(Value loss, Value factor) {
    Value value = stripReshapes(loss);
    if (auto own = value.getDefiningOp<LinearCrossEntropyOp>()) {
      Value scale = MulOp::create(b, asNumber(own.getScale()), factor);
      return asNumber(LinearCrossEntropyOp::create(b, own.getX(), own.getWeight(), own.getTargets(),
                                                   own.getLossWeight(), scale, own.getBias()));
    }
    if (auto sum = value.getDefiningOp<AddOp>()) {
      Value left = times(sum.getLhs(), factor);
      return AddOp::create(b, left, times(sum.getRhs(), factor));
    }
    writeOutLosses(value);
    return MulOp::create(b, asNumber(value), factor);
  }

  /// Replaces each cross entropy that `value` follows from by its primitives.
  static void writeOutLosses(Value value) {
    llvm::SmallPtrSet<Operation *, 32> seen;
    SmallVector<Value> waiting{value};
    while (!waiting.empty()) {
      Operation *op = waiting.pop_back_val().getDefiningOp();
      if (!op || !seen.insert(op).second)
        continue;
      llvm::append_range(waiting, op->getOperands());
      auto loss = dyn_cast<LinearCrossEntropyOp>(op);
      OpBuilder builder(op);
      auto primitives = loss ? loss.decompose(builder) : FailureOr<SmallVector<Value>>(failure());
      if (succeeded(primitives))
        loss.getLoss().replaceAllUsesWith(primitives->front());
    }
  }

  Type scalar(Type element) { return RankedTensorType::get({}, element); }

  static SmallVector<Port> portsOf(ProgramOp program) {
    SmallVector<Port> ports;
    for (auto [i, type] : llvm::enumerate(program.getArgumentTypes()))
      ports.push_back({program.getArgumentName(i), type});
    return ports;
  }

  SmallVector<Port> trainingPorts(bool hasCount) {
    SmallVector<Port> ports = portsOf(forward);
    ports.push_back({"targets", tokens});
    ports.push_back({"loss_weight", tokens.clone(b.getF32Type())});
    if (hasCount)
      ports.push_back({"inv_count", scalar(b.getF32Type())});
    return ports;
  }

  /// A program before @forward with these arguments, which begins with a copy of @forward's operations.
  ProgramOp begin(StringRef name, ArrayRef<Port> arguments, Port result) {
    ProgramOp program = beginEmpty(forward, name, arguments, result);
    copyWholeBatch(program);
    b.setLoc(logits.getLoc());
    return program;
  }

  /// The same without operations, where `source` comes from.
  ProgramOp beginEmpty(ProgramOp source, StringRef name, ArrayRef<Port> arguments, Port result) {
    b.setInsertionPoint(forward);
    b.setLoc(source.getLoc());
    ProgramOp program = createProgram(b, b.getLoc(), name, arguments, result);
    b.setInsertionPointToEnd(&program.getBody().front());
    return program;
  }

  static bool isOfOneSequence(StringRef argument) { return argument == "tokens" || argument == "positions"; }

  /// The argument of `program` that has the name of another program's.
  static Value argumentOf(ProgramOp program, BlockArgument argument) {
    auto source = cast<ProgramOp>(argument.getOwner()->getParentOp());
    return program.findArgument(source.getArgumentName(argument.getArgNumber()));
  }

  /// Copies what is needed; an argument of one sequence is repeated in every place of the batch.
  void copyWholeBatch(ProgramOp program) {
    copies = IRMapping();
    for (BlockArgument argument : forward.getBody().getArguments()) {
      Value given = argumentOf(program, argument);
      bool isWhole = given.getType() == argument.getType();
      copies.map(argument, isWhole ? given : BroadcastOp::create(b, argument.getType(), given).getResult());
    }
    for (Operation *op : neededOperations())
      b.clone(*op, copies);
  }

  /// Copies what is needed for one sequence, or returns the operation that mixes sequences.
  Operation *copyOneSequence(ProgramOp program) {
    if (tokens.getDimSize(0) == 1) {
      copyWholeBatch(program);
      return nullptr;
    }
    copies = IRMapping();
    SequenceCloner cloner(b, tokens.getDimSize(0), copies);
    for (BlockArgument argument : forward.getBody().getArguments()) {
      Value given = argumentOf(program, argument);
      if (isOfOneSequence(forward.getArgumentName(argument.getArgNumber())))
        cloner.divide(argument, given);
      else
        copies.map(argument, given);
    }
    for (Operation *op : neededOperations())
      if (failed(cloner.clone(op)))
        return op;
    return nullptr;
  }

  /// What the loss needs, in order: all that the logits, or the input and the weights of the projection, depend on.
  SmallVector<Operation *> neededOperations() {
    llvm::SmallPtrSet<Operation *, 32> needed;
    SmallVector<Value> waiting{logits};
    if (projection)
      waiting = {projection->x, projection->weight, projection->bias};
    while (!waiting.empty()) {
      Value value = waiting.pop_back_val();
      Operation *op = value ? value.getDefiningOp() : nullptr;
      if (op && needed.insert(op).second)
        llvm::append_range(waiting, op->getOperands());
    }
    SmallVector<Operation *> ordered;
    for (Operation &op : forward.getBody().front())
      if (needed.contains(&op))
        ordered.push_back(&op);
    return ordered;
  }

  Value copied(Value value) { return value ? copies.lookup(value) : value; }

  /// The projection's matrix as [vocabulary, columns].
  Value weightRows() {
    Value weight = copied(projection->weight);
    if (!projection->isColumns)
      return weight;
    if (auto transpose = weight.getDefiningOp<TransposeOp>())
      return transpose.getX();
    return TransposeOp::create(b, weight, b.getDenseI64ArrayAttr({1, 0}));
  }

  /// `scale` times the weighted sum of the loss over tokens.
  Value buildLoss(ProgramOp program, Value scale) {
    Value targets = program.findArgument("targets"), weights = program.findArgument("loss_weight");
    if (!projection)
      return writtenOut(copied(logits), targets, weights, scale);
    Value x = copied(projection->x);
    int64_t columns = tensorType(x).getShape().back();
    x = b.createOrFold<ReshapeOp>(
        tensorType(x).clone(ArrayRef<int64_t>{tokens.getDimSize(0), tokens.getDimSize(1), columns}), x);
    return LinearCrossEntropyOp::create(b, x, weightRows(), targets, weights, scale, copied(projection->bias));
  }

  /// The same of logits that are no projection: Σ weight · (log Σ e^l − l[target]).
  Value writtenOut(Value l, Value targets, Value weights, Value scale) {
    int64_t vocabulary = tensorType(l).getDimSize(2);
    SmallVector<int64_t> column{tokens.getDimSize(0), tokens.getDimSize(1), 1};
    auto last = b.getDenseI64ArrayAttr({2});
    Value most = ReduceMaxOp::create(b, l, last);
    Value sum = ReduceSumOp::create(b, ExpOp::create(b, SubOp::create(b, l, most).getResult()).getY(), last);
    Value id = IotaOp::create(b, RankedTensorType::get({vocabulary}, b.getI32Type()));
    Value target = ReshapeOp::create(b, tokens.clone(column), targets);
    Value isTarget = CompareOp::create(b, ComparePredicate::Eq, id, target);
    Value zero = splat(b, b.getLoc(), b.getF32Type(), 0);
    Value chosen = ReduceSumOp::create(b, WhereOp::create(b, isTarget, l, zero).getResult(), last);
    Value nll = SubOp::create(b, AddOp::create(b, LogOp::create(b, sum).getY(), most), chosen);
    Value weighted = MulOp::create(b, nll, ReshapeOp::create(b, tensorType(nll), weights).getY());
    Value total = ReduceSumOp::create(b, weighted, b.getDenseI64ArrayAttr({0, 1, 2}));
    total = ReshapeOp::create(b, RankedTensorType::get({1}, b.getF32Type()), total);
    Value scalarScale = b.createOrFold<ReshapeOp>(RankedTensorType::get({1}, b.getF32Type()), scale);
    return ReshapeOp::create(b, RankedTensorType::get({}, b.getF32Type()), MulOp::create(b, total, scalarScale));
  }

  /// The rows of the first sequence: [sequence, columns].
  Value sequenceRows(Value x, int64_t sequence) {
    int64_t columns = tensorType(x).getShape().back(), count = tensorType(x).getNumElements() / columns;
    Value rows = b.createOrFold<ReshapeOp>(tensorType(x).clone(ArrayRef<int64_t>{count, columns}), x);
    return count == sequence ? rows : SliceOp::create(b, rows, 0, 0, sequence).getResult();
  }

  void end(Value result) { ReturnOp::create(b, result); }

  ProgramOp forward;
  ImplicitLocOpBuilder b;
  Value logits;
  RankedTensorType tokens;
  std::optional<Projection> projection;
  IRMapping copies;
};

struct AppendLoss : nf::impl::AppendLossBase<AppendLoss> {
  using AppendLossBase::AppendLossBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto forward = module.lookupSymbol<ProgramOp>("forward");
    if (!forward)
      return markAllAnalysesPreserved();
    if (!isLanguageModel(forward))
      return signalPassFailure();
    ProgramMaker maker(forward);
    auto own = module.lookupSymbol<ProgramOp>("loss");
    if (own) {
      maker.makeOfOwnLoss(own, "forward_backward", "loss", /*hasCount=*/true);
      maker.makeOfOwnLoss(own, "eval", "loss_sum", /*hasCount=*/false);
      if (remarks && own.getOps<LinearCrossEntropyOp>().empty())
        emitRemark(stripReshapes(own.getBody().front().getTerminator()->getOperand(0)).getLoc()) << lossInPrimitives;
      own.erase();
    } else {
      maker.makeForwardBackward();
      maker.makeEval();
    }
    Operation *mixed = isEncoder(module) ? nullptr : maker.makeLogits();
    if (mixed && remarks)
      mixed->emitRemark() << "logits computes the whole micro-batch for one sequence: " << mixed->getName()
                          << " mixes its sequences, or they cannot be told from its other extents";
    forward.erase();
    eraseUnusedParameters(module);
  }

  /// Whether the loss can be appended; errors where not.
  bool isLanguageModel(ProgramOp forward) {
    auto tokens = forward.findArgument("tokens");
    bool hasTokens = tokens && tensorType(tokens).getRank() == 2 && tensorType(tokens).getElementType().isInteger(32);
    return checkArguments(forward, hasTokens) && // what a result is follows from them
           checkResult(forward, hasTokens ? tensorType(tokens) : RankedTensorType());
  }

  static InFlightDiagnostic errorAt(Location place, StringRef name) {
    auto file = place->findInstanceOf<FileLineColLoc>();
    return emitError(NameLoc::get(StringAttr::get(place.getContext(), name), file ? Location(file) : place));
  }

  static bool checkArguments(ProgramOp forward, bool hasTokens) {
    static constexpr StringLiteral known[] = {"tokens", "positions", "key_padding", "segments"};
    bool isSound = true;
    for (auto [i, type] : llvm::enumerate(forward.getArgumentTypes())) {
      StringRef name = forward.getArgumentName(i);
      auto tensor = cast<RankedTensorType>(type);
      if (llvm::is_contained(known, name))
        continue;
      isSound = false;
      auto error = errorAt(forward.getLoc(), name);
      if (isa<FloatType>(tensor.getElementType()) && !hasTokens)
        error << "expected ids [batch, sequence] of a text, but got numbers " << shapeText(tensor)
              << ", such as an image; export a model of ids, or of a model of several kinds its part for text";
      else if (name.starts_with("decoder_"))
        error << "expected one sequence of ids, but got a second one, " << shapeText(tensor)
              << ", as an encoder with a decoder has it; export a model of one sequence (AutoModelForCausalLM, "
                 "AutoModelForMaskedLM)";
      else
        error << "expected the input ids alone, but the model also needs '" << name
              << "'; export it without that input (use_cache=False leaves a cache out)";
    }
    return isSound;
  }

  /// `tokens` is null where the model has no ids.
  static bool checkResult(ProgramOp forward, RankedTensorType tokens) {
    static constexpr StringLiteral expected = "expected logits [batch, sequence, vocabulary], ";
    static constexpr StringLiteral head =
        "; export the model with its language-modelling head (AutoModelForCausalLM, AutoModelForMaskedLM)";
    if (!tokens) {
      forward.emitError() << "expected ids [batch, sequence] among the inputs, but got none";
      return false;
    }
    auto isPerToken = [&](RankedTensorType type) {
      return type.getRank() == 3 && type.getShape().take_front(2) == tokens.getShape();
    };
    auto first = cast<RankedTensorType>(forward.getResultTypes()[0]);
    StringRef name = forward.getResultName(0);
    if (forward.getResultTypes().size() == 1 && name == "logits" && isPerToken(first))
      return true;
    auto error = errorAt(forward.getLoc(), name) << expected;
    if (isPerToken(first))
      error << "but got hidden states " << shapeText(first) << " that no projection takes to the vocabulary" << head;
    else if (first.getRank() == 2 && first.getDimSize(0) == tokens.getDimSize(0))
      error << "but got numbers of whole sequences " << shapeText(first) << ", as a classifier gives" << head;
    else
      error << "but got " << shapeText(first) << " from ids " << shapeText(tokens) << head;
    return false;
  }

  /// "[2, 16, 64]"
  static std::string shapeText(RankedTensorType type) { return fmt::format("[{}]", fmt::join(type.getShape(), ", ")); }

  /// Only decoders continue a text.
  static bool isEncoder(ModuleOp module) {
    auto model = module->getAttrOfType<DictionaryAttr>("nf.model");
    auto kind = model ? model.getAs<StringAttr>("kind") : StringAttr();
    return kind && kind.getValue() == "encoder";
  }

  static void eraseUnusedParameters(ModuleOp module) {
    llvm::StringSet<> read;
    for (auto program : module.getOps<ProgramOp>())
      for (auto get : program.getOps<GetOp>())
        read.insert(get.getSymbol());
    for (auto parameter : llvm::make_early_inc_range(module.getOps<ParameterOp>()))
      if (!read.contains(parameter.getSymName()))
        parameter.erase();
  }
};
} // namespace
