// A graph's own loss as a program: what it may depend on, and how it reads its labels.
//
// 1. The loss is a scalar of floats that follows from ids and labels alone.
// 2. From the labels on, their uses are followed through movement: where the loss reads the label of the next token, it
//    moves them itself (labels[:, 1:] against logits[:, :-1]); a number that they are compared with marks labels to
//    ignore.
// 3. The program @loss gets the arguments targets and loss_weight, and makes the labels of them: the target itself,
// moved
//    by what the loss moves it back, and the number to ignore where the weight is 0.
#include "frontend/onnx/GraphImporter.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "onnx.pb.h"

#include <set>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

namespace {

using Cone = llvm::SmallPtrSet<Operation *, 32>;

/// How a loss reads its labels.
class LabelUses {
public:
  LabelUses(Value labels, const Cone &loss) : loss(loss) { follow(labels, 0); }

  std::set<int64_t> shifts;  ///< by how many tokens they are moved where they are used
  std::set<int64_t> ignored; ///< numbers that they are compared with
  bool isClear = true;

private:
  void follow(Value value, int64_t shift) {
    for (OpOperand &use : value.getUses())
      if (loss.contains(use.getOwner()))
        follow(value, shift, use);
  }

  void follow(Value value, int64_t shift, OpOperand &use) {
    Operation *op = use.getOwner();
    if (auto slice = dyn_cast<SliceOp>(op))
      return move(value, slice.getResult(), static_cast<int64_t>(slice.getAxis()),
                  shift + static_cast<int64_t>(slice.getFrom()), shift);
    if (auto pad = dyn_cast<PadOp>(op))
      return move(value, pad.getResult(), static_cast<int64_t>(pad.getAxis()),
                  shift - static_cast<int64_t>(pad.getLow()), shift);
    if (auto concat = dyn_cast<ConcatOp>(op)) {
      auto axis = static_cast<int64_t>(concat.getAxis());
      int64_t before = 0;
      for (unsigned i = 0; i < use.getOperandNumber(); ++i)
        before += OpContext::shapeOf(concat.getOperand(i))[axis];
      return move(value, concat.getResult(), axis, shift - before, shift);
    }
    if (isa<ReshapeOp, BroadcastOp, WhereOp>(op) && OpContext::type(op->getResult(0)).getElementType().isInteger(32))
      return follow(op->getResult(0), shift);
    shifts.insert(shift);
    auto compare = dyn_cast<CompareOp>(op);
    DenseElementsAttr constant;
    if (compare && matchPattern(compare->getOperand(1 - use.getOperandNumber()), m_Constant(&constant)) &&
        constant.isSplat())
      ignored.insert(constant.getSplatValue<APInt>().getSExtValue());
  }

  void move(Value from, Value to, int64_t axis, int64_t along, int64_t shift) {
    bool isBySequence = OpContext::rankOf(from) == 2 && axis == 1;
    isClear &= isBySequence || along == shift;
    follow(to, isBySequence ? along : shift);
  }

  const Cone &loss;
};

} // namespace

/// The output that --loss-output names.
GraphValueRef GraphImporter::lossValue() {
  const std::string &name = options.lossOutput;
  std::string names;
  bool isOutput = false;
  for (const auto &output : file.model().graph().output()) {
    names += (names.empty() ? "" : ", ") + output.name();
    isOutput |= output.name() == name;
  }
  GraphValueRef value = top.find(name);
  if (!isOutput || !value) {
    error() << "expected an output '" << name << "' (--loss-output), but the file has " << names;
    return nullptr;
  }
  if (value->isUnknown)
    return value;
  if (elementCount(value->shape) != 1 || value->element != Element::F32) {
    error(name) << "expected a scalar of float32 as the loss (--loss-output), but got "
                << elementName(int(value->element)) << " " << shapeText(value->shape)
                << "; export the mean over all tokens";
    return nullptr;
  }
  return value;
}

/// The operations that `value` follows from.
static Cone coneOf(Value value) {
  Cone needed;
  SmallVector<Value> waiting{value};
  while (!waiting.empty())
    if (Operation *op = waiting.pop_back_val().getDefiningOp(); op && needed.insert(op).second)
      llvm::append_range(waiting, op->getOperands());
  return needed;
}

/// Whether the loss depends on what training feeds; all that it does not is named at once.
bool GraphImporter::checkLossInputs(Value loss) {
  auto needed = coneOf(loss);
  std::string others;
  bool readsLabels = false;
  for (BlockArgument argument : program.getBody().getArguments()) {
    bool isRead =
        argument == loss || llvm::any_of(argument.getUsers(), [&](Operation *op) { return needed.contains(op); });
    readsLabels |= isRead && argument == labels;
    if (isRead && argument != labels && argument != tokens)
      others += (others.empty() ? "'" : "', '") + argumentNames[argument.getArgNumber()];
  }
  if (!others.empty())
    error(options.lossOutput) << "expected a loss of ids and labels, but it also depends on " << others
                              << "', which training does not feed; what it feeds: ids, labels, masks, positions, token "
                                 "types (docs/onnx.md lists their names)";
  else if (!readsLabels)
    error(options.lossOutput) << "expected a loss of labels, but it depends on no input called labels, targets, label, "
                                 "target, lm_labels or y (integers [batch, sequence])";
  return others.empty() && readsLabels;
}

/// The labels as the graph wants them, of the targets of training; a null value after an error.
Value GraphImporter::makeLabels(ImplicitLocOpBuilder &b, Value loss, Value targets, Value weight) {
  Cone cone = coneOf(loss);
  LabelUses uses(labels, cone);
  const std::string &name = labelsName;
  int64_t shift = uses.shifts.empty() ? 0 : *uses.shifts.begin();
  if (!uses.isClear || uses.shifts.size() != 1 || shift < 0 || shift > 1) {
    error(name)
        << "expected labels that the loss reads in place, or moved by one token (labels[:, 1:] against logits[:, "
           ":-1]), but it reads them otherwise";
    return nullptr;
  }
  if (uses.ignored.size() > 1 || (uses.ignored.empty() && !isCausal)) {
    error(name)
        << (uses.ignored.empty()
                ? "expected a loss that ignores some labels (ignore_index=-100), since masked training predicts "
                  "some of the tokens, but got none"
                : "expected one number that marks labels to ignore, but the loss compares them with several");
    return nullptr;
  }
  auto type = OpContext::type(targets);
  auto number = [&](int64_t value) { return splat(b, b.getLoc(), b.getI32Type(), static_cast<double>(value)); };
  int64_t ignored = uses.ignored.empty() ? 0 : *uses.ignored.begin();
  Value value = targets;
  if (!uses.ignored.empty()) {
    Value isOff = CompareOp::create(b, ComparePredicate::Eq, weight, splat(b, b.getLoc(), b.getF32Type(), 0));
    value = WhereOp::create(b, isOff, number(ignored), targets);
  }
  if (shift) {
    Value first = BroadcastOp::create(b, type.clone({type.getDimSize(0), 1}), number(ignored));
    Value rest = SliceOp::create(b, value, 1, 0, type.getDimSize(1) - 1);
    value = ConcatOp::create(b, ValueRange{first, rest}, 1);
  }
  SmallVector<NamedAttribute> about{b.getNamedAttr("output", b.getStringAttr(options.lossOutput)),
                                    b.getNamedAttr("labels", b.getStringAttr(name)),
                                    b.getNamedAttr("shift", b.getI64IntegerAttr(shift))};
  if (!uses.ignored.empty())
    about.push_back(b.getNamedAttr("ignored", b.getI64IntegerAttr(ignored)));
  (*module)->setAttr("nf.loss", b.getDictionaryAttr(about));
  return value;
}

bool GraphImporter::makeLossProgram(GraphValue &value) {
  Location location = NameLoc::get(b.getStringAttr(options.lossOutput), placeOf(&context, file.path()));
  b.setLoc(location);
  ::onnx::NodeProto proto;
  OpContext op(*this, Node(proto, location, 0, {}), {});
  Value loss = valueOf(value, b, op, /*compact=*/false);
  if (!loss) {
    error(options.lossOutput) << op.reason;
    return false;
  }
  if (!checkLossInputs(loss))
    return false;
  auto type = OpContext::type(tokens);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfter(program);
  ProgramOp copy = createProgram(b, location, "loss",
                                 {{"tokens", type}, {"targets", type}, {"loss_weight", type.clone(b.getF32Type())}},
                                 Port{"loss", RankedTensorType::get({}, b.getF32Type())});
  Block &body = copy.getBody().front();
  b.setInsertionPointToEnd(&body);
  IRMapping copies;
  copies.map(tokens, body.getArgument(0));
  Value made = makeLabels(b, loss, body.getArgument(1), body.getArgument(2));
  if (!made)
    return false;
  copies.map(labels, made);
  auto needed = coneOf(loss);
  for (Operation &each : program.getBody().front())
    if (needed.contains(&each))
      b.clone(each, copies);
  ReturnOp::create(b, b.createOrFold<ReshapeOp>(RankedTensorType::get({}, b.getF32Type()), copies.lookup(loss)));
  return true;
}
