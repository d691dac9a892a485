//===- FuseRows.cpp - row-wise primitives become nf.fused regions ----------------------------===//
//
// 1. Every row-wise primitive starts as a group of its own (FusionGraph).
// 2. Producer and consumer merge where the value between them can stay in the row: same rows, no column sum between,
//    no path between them through another op. Values that only groups of the same space read are then never written.
// 3. Groups that read the same tensor merge where nothing orders them: it is read once.
// 4. Each group becomes one nf.fused; splats, indices and random bits are built anew inside.
//
// Every merge saves at least one pass over a tensor, so the greedy order needs no weights.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Transforms/RegionUtils.h"
#include "passes/fuse/FusionGraph.h"
#include "passes/fuse/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace nf {
#define GEN_PASS_DEF_FUSEROWS
#include "passes/fuse/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

//===------------------------------------------------------------------------------------------===//
// Growing groups
//===------------------------------------------------------------------------------------------===//

/// From the last op to the first: what backward computes from saved values joins its use before it could join the
/// forward op that saved them.
static void mergeProducers(FusionGraph &graph, ArrayRef<Operation *> ops) {
  for (bool changed = true; changed;) {
    changed = false;
    for (Operation *op : llvm::reverse(ops))
      for (Value operand : op->getOperands()) {
        Operation *producer = stripReshapes(operand).getDefiningOp();
        if (producer && graph.isNode(producer) && graph.isFusible(producer))
          changed |= graph.tryMerge(graph.groupOf(producer), graph.groupOf(op));
      }
  }
}

/// The tensors that fusible ops read in full, each with its readers.
static llvm::MapVector<Value, SmallVector<Operation *>> readersOfTensors(FusionGraph &graph,
                                                                         ArrayRef<Operation *> ops) {
  llvm::MapVector<Value, SmallVector<Operation *>> readers;
  for (Operation *op : ops)
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      if (graph.kindOfOperand(graph.groupOf(op), op, i) == RowKind::RowCol &&
          tensorType(op->getOperand(i)).getNumElements() > 1)
        readers[stripReshapes(op->getOperand(i))].push_back(op);
  return readers;
}

static void mergeSiblings(FusionGraph &graph, ArrayRef<Operation *> ops) {
  for (auto &[tensor, readers] : readersOfTensors(graph, ops))
    for (size_t i = 1; i < readers.size(); ++i)
      graph.tryMergeSiblings(graph.groupOf(readers[i - 1]), graph.groupOf(readers[i]));
}

//===------------------------------------------------------------------------------------------===//
// Building regions
//===------------------------------------------------------------------------------------------===//

namespace {
/// Writes one group as an nf.fused at the builder's insertion point.
class RegionBuilder {
public:
  RegionBuilder(const FusionGraph &graph, FusionGraph::Group group, OpBuilder &builder)
      : graph(graph), group(group), builder(builder), rows(graph.rows(group)), cols(graph.cols(group)) {}

  /// The fused op; `replaced` receives the original values and what stands for them.
  FusedOp build(SmallVectorImpl<std::pair<Value, Value>> &replaced) {
    Block *body = new Block();
    OpBuilder inner(builder.getContext());
    inner.setInsertionPointToEnd(body);
    SmallVector<Location> locations;
    for (Operation *op : graph.ops(group)) {
      locations.push_back(op->getLoc());
      addToBody(op, inner, body);
    }
    SmallVector<Value> escaping, yielded;
    SmallVector<int32_t> resultKinds;
    for (Operation *op : graph.ops(group)) {
      if (!isRead(op->getResult(0)))
        continue;
      RowKind kind = *graph.kindOfResult(group, op);
      escaping.push_back(op->getResult(0));
      yielded.push_back(widen(inner, rowValues.lookup(op->getResult(0)), kind));
      resultKinds.push_back(static_cast<int32_t>(kind));
    }
    YieldOp::create(inner, locations.back(), yielded);

    auto fused = FusedOp::create(builder, builder.getFusedLoc(locations), ValueRange(escaping).getTypes(), inputs,
                                 /*accumulate=*/Value(), /*outs=*/ValueRange(), rows, cols, /*groups=*/1, inputKinds,
                                 resultKinds, gatherIndex, /*always_accumulate=*/false);
    fused.getBody().push_back(body);
    for (auto [from, to] : llvm::zip(escaping, fused.getResults()))
      replaced.push_back({from, to});
    return fused;
  }

private:
  bool isRead(Value value) {
    return llvm::any_of(usesThroughReshapes(value), [&](OpOperand *use) {
      return !graph.isNode(use->getOwner()) || graph.groupOf(use->getOwner()) != group;
    });
  }

  Value widen(OpBuilder &inner, Value value, RowKind kind) {
    int64_t extent = kind == RowKind::Row ? 1 : cols;
    auto type = RankedTensorType::get({extent}, tensorType(value).getElementType());
    return value.getType() == type ? value : BroadcastOp::create(inner, value.getLoc(), type, value).getResult();
  }

  void addToBody(Operation *op, OpBuilder &inner, Block *body) {
    auto rowWise = cast<RowWiseOpInterface>(op);
    SmallVector<Value> operands;
    for (OpOperand &operand : op->getOpOperands())
      operands.push_back(rowOperand(operand, inner, body));
    if (rowWise.getRowRole() == RowRole::ColumnReduction)
      rowValues[op->getResult(0)] = widen(inner, operands[0], RowKind::ColSum);
    else if (rowWise.getRowRole() == RowRole::RowReduction)
      // Over one column it is the number itself, which must not be summed over the region's columns.
      rowValues[op->getResult(0)] = graph.space(op).cols == 1
                                        ? operands[0]
                                        : rowWise.buildRow(inner, {widen(inner, operands[0], RowKind::RowCol)}, cols);
    else
      rowValues[op->getResult(0)] = rowWise.buildRow(inner, operands, cols);
  }

  Value rowOperand(OpOperand &operand, OpBuilder &inner, Block *body) {
    Value source = stripReshapes(operand.get());
    if (Value known = rowValues.lookup(source))
      return known;
    if (graph.isClonedGenerator(operand)) {
      auto generator = cast<RowWiseOpInterface>(operand.get().getDefiningOp());
      SmallVector<Value> scalars;
      for (OpOperand &scalar : generator->getOpOperands())
        scalars.push_back(argument(stripReshapes(scalar.get()), RowKind::Scalar, -1, body));
      Value value = generator.buildRow(inner, scalars, cols);
      rowValues[source] = value;
      return value;
    }
    Operation *op = operand.getOwner();
    auto rowWise = cast<RowWiseOpInterface>(op);
    unsigned number = operand.getOperandNumber();
    RowKind kind = *graph.kindOfOperand(group, op, number);
    int64_t index = -1;
    if (kind == RowKind::Gather) {
      Value indices = stripReshapes(op->getOperand(rowWise.getGatherIndex()));
      argument(indices, RowKind::Row, -1, body);
      index = argumentNumber(indices, RowKind::Row, -1);
    }
    return argument(source, kind, index, body);
  }

  std::optional<unsigned> find(Value source, RowKind kind, int64_t index) {
    for (unsigned i = 0; i < inputs.size(); ++i)
      if (inputs[i] == source && inputKinds[i] == static_cast<int32_t>(kind) && gatherIndex[i] == index)
        return i;
    return std::nullopt;
  }
  unsigned argumentNumber(Value source, RowKind kind, int64_t index) { return *find(source, kind, index); }

  /// The body argument for an outer value; one for each value and kind.
  Value argument(Value source, RowKind kind, int64_t index, Block *body) {
    if (auto number = find(source, kind, index))
      return body->getArgument(*number);
    inputs.push_back(source);
    inputKinds.push_back(static_cast<int32_t>(kind));
    gatherIndex.push_back(index);
    int64_t extent = kind == RowKind::Row || kind == RowKind::Scalar ? 1 : cols;
    return body->addArgument(RankedTensorType::get({extent}, tensorType(source).getElementType()), source.getLoc());
  }

  const FusionGraph &graph;
  FusionGraph::Group group;
  OpBuilder &builder;
  int64_t rows, cols;
  llvm::DenseMap<Value, Value> rowValues;
  SmallVector<Value> inputs;
  SmallVector<int32_t> inputKinds;
  SmallVector<int64_t> gatherIndex;
};

struct FuseRows : nf::impl::FuseRowsBase<FuseRows> {
  using FuseRowsBase::FuseRowsBase;

  void runOnOperation() override {
    ProgramOp program = getOperation();
    FusionGraph graph(program);
    for (Operation &op : program.getBody().front())
      op.removeAttr("nf.again"); // it has done its work: regions are compared by what they compute
    SmallVector<Operation *> fusible;
    for (Operation &op : program.getBody().front().without_terminator())
      if (graph.isNode(&op) && graph.isFusible(&op))
        fusible.push_back(&op);
    mergeProducers(graph, fusible);
    mergeSiblings(graph, fusible);
    mergeProducers(graph, fusible);
    rewrite(program, graph);
  }

  /// Lays the program out anew in the order of the groups.
  void rewrite(ProgramOp program, const FusionGraph &graph) {
    Operation *terminator = program.getBody().front().getTerminator();
    OpBuilder builder(terminator);
    SmallVector<Operation *> erased;
    moveUnordered(program, graph, terminator);
    for (FusionGraph::Group group : graph.schedule()) {
      Operation *first = graph.ops(group).front();
      if (!graph.isFusible(first)) {
        first->moveBefore(terminator);
        moveReshapes(first, terminator);
        continue;
      }
      SmallVector<std::pair<Value, Value>> replaced;
      FusedOp fused = RegionBuilder(graph, group, builder).build(replaced);
      if (remarks)
        remark(fused, graph.ops(group));
      for (auto [from, to] : replaced)
        from.replaceUsesWithIf(to, [&](OpOperand &use) {
          return !graph.isNode(use.getOwner()) || graph.groupOf(use.getOwner()) != group;
        });
      moveReshapes(fused, terminator);
      erased.append(graph.ops(group).begin(), graph.ops(group).end());
    }
    for (Operation *op : llvm::reverse(erased)) {
      op->dropAllUses();
      op->erase();
    }
    IRRewriter rewriter(program.getContext());
    (void)runRegionDCE(rewriter, program->getRegions());
  }

  /// Generators that every reader builds anew, and reshapes of arguments, come first.
  void moveUnordered(ProgramOp program, const FusionGraph &graph, Operation *terminator) {
    SmallVector<Operation *> generators;
    for (Operation &op : program.getBody().front().without_terminator())
      if (!graph.isNode(&op) && !isa<ReshapeOp>(op))
        generators.push_back(&op);
    for (Operation *op : generators)
      op->moveBefore(terminator);
    for (BlockArgument argument : program.getBody().getArguments())
      moveReshapesOf(argument, terminator);
  }

  void moveReshapes(Operation *op, Operation *terminator) {
    for (Value result : op->getResults())
      moveReshapesOf(result, terminator);
  }

  void moveReshapesOf(Value value, Operation *terminator) {
    for (Operation *user : value.getUsers())
      if (auto reshape = dyn_cast<ReshapeOp>(user)) {
        reshape->moveBefore(terminator);
        moveReshapesOf(reshape.getY(), terminator);
      }
  }

  /// Bytes that the ops would move one by one, and that the region moves.
  void remark(FusedOp fused, ArrayRef<Operation *> ops) {
    int64_t before = 0, after = 0;
    for (Operation *op : ops) {
      for (Value operand : op->getOperands())
        before += bytesOf(operand);
      before += bytesOf(op->getResult(0));
    }
    for (Value value : fused.getInputs())
      after += bytesOf(value);
    for (Value value : fused.getResults())
      after += bytesOf(value);
    fused.emitRemark() << "fused " << ops.size() << " ops over " << fused.getRows() << " rows of " << fused.getCols()
                       << ": " << after << " bytes instead of " << before;
  }
};
} // namespace
