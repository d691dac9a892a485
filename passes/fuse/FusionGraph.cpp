//===- FusionGraph.cpp - groups of row-wise ops and what orders them -------------------------===//
#include "passes/fuse/FusionGraph.h"

#include <queue>

using namespace mlir;
using namespace nf;

static constexpr StringLiteral againAttr = "nf.again";

static bool isGenerator(Operation *op) { return isa_and_nonnull<ConstantOp, IotaOp, RandomBitsOp>(op); }

//===------------------------------------------------------------------------------------------===//
// Building
//===------------------------------------------------------------------------------------------===//

FusionGraph::FusionGraph(ProgramOp program) {
  Block &block = program.getBody().front();
  addNodes(block);
  addEdges(block);
  holdBack(block);
}

/// Whether every operand of the op has a place in its rows.
static bool allOperandsFit(RowWiseOpInterface op, const RowSpace &space) {
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (!space.kindOf(op, i))
      return false;
  return true;
}

void FusionGraph::addNodes(Block &block) {
  unsigned index = 0;
  for (Operation &op : block) {
    spans.push_back(index);
    position[&op] = index++;
    if (auto rowWise = dyn_cast<RowWiseOpInterface>(op))
      if (auto space = RowSpace::of(rowWise); space && allOperandsFit(rowWise, *space))
        spaces[&op] = *space;
  }
  for (Operation &op : block.without_terminator()) {
    if (isa<ReshapeOp>(op))
      continue;
    bool cloned =
        isGenerator(&op) && llvm::all_of(op.getUses(), [&](OpOperand &use) { return isClonedGenerator(use); });
    if (cloned)
      continue;
    groups[&op] = members.size();
    members.push_back({&op});
    auto it = spaces.find(&op);
    extents.push_back(it == spaces.end() ? std::pair<int64_t, int64_t>{0, 0}
                                         : std::pair<int64_t, int64_t>{it->second.rows, it->second.cols});
  }
}

bool FusionGraph::isClonedGenerator(OpOperand &operand) const {
  Operation *generator = operand.get().getDefiningOp();
  auto user = spaces.find(operand.getOwner());
  if (!isGenerator(generator) || !spaces.count(generator) || user == spaces.end())
    return false;
  auto consumer = cast<RowWiseOpInterface>(operand.getOwner());
  auto kind = user->second.kindOf(consumer, operand.getOperandNumber());
  if (isa<ConstantOp>(generator))
    return kind != RowKind::Gather && !llvm::any_of(llvm::seq<unsigned>(0, consumer->getNumOperands()),
                                                    [&](unsigned i) { return consumer.isGatheredOperand(i); });
  const RowSpace &own = spaces.find(generator)->second;
  if (isa<IotaOp>(generator))
    return own.cols == user->second.cols && (kind == RowKind::Col || kind == RowKind::RowCol) && own.cols > 1;
  return kind == RowKind::RowCol && own.shape == user->second.shape;
}

void FusionGraph::addEdge(Operation *from, Operation *to) {
  if (from && isNode(from) && isNode(to) && from != to)
    successors[from].push_back(to);
}

/// What backward computes again (nf.again) stays behind the product before it: otherwise it would join the region of
/// forward that saved its operands, and be kept.
void FusionGraph::holdBack(Block &block) {
  Operation *product = nullptr;
  for (Operation &op : block.without_terminator()) {
    if (op.hasAttr(againAttr))
      addEdge(product, &op);
    else if (isa<KernelOpInterface>(op) && !isFusible(&op) && llvm::any_of(op.getResults(), [](Value result) {
               return llvm::any_of(usesThroughReshapes(result),
                                   [](OpOperand *use) { return !isa<AccumulateOp>(use->getOwner()); });
             }))
      product = &op;
  }
}

/// Data edges, and for each state: writes after the uses of values read before, reads after writes.
void FusionGraph::addEdges(Block &block) {
  llvm::StringMap<Operation *> lastWrite;
  llvm::StringMap<SmallVector<GetOp>> reads;
  for (Operation &op : block.without_terminator()) {
    if (isa<ReshapeOp>(op))
      continue;
    for (Value operand : op.getOperands())
      addEdge(stripReshapes(operand).getDefiningOp(), &op);
    if (auto get = dyn_cast<GetOp>(op)) {
      addEdge(lastWrite.lookup(get.getSymbol()), &op);
      reads[get.getSymbol()].push_back(get);
      continue;
    }
    StringRef written;
    if (auto set = dyn_cast<SetOp>(op))
      written = set.getSymbol();
    else if (auto accumulate = dyn_cast<AccumulateOp>(op))
      written = accumulate.getSymbol();
    else
      continue;
    addEdge(lastWrite.lookup(written), &op);
    for (GetOp get : reads[written])
      for (OpOperand *use : usesThroughReshapes(get.getResult()))
        if (position.lookup(use->getOwner()) < position.lookup(&op))
          addEdge(use->getOwner(), &op);
    lastWrite[written] = &op;
  }
}

//===------------------------------------------------------------------------------------------===//
// Kinds
//===------------------------------------------------------------------------------------------===//

/// A kind in the space of one op, as a kind in the rows × cols of its group. Equal values get equal kinds: with one
/// row a column value is the row, with one column a row's columns are one number.
static RowKind canonical(RowKind kind, const RowSpace &own, int64_t rows, int64_t cols) {
  if (kind == RowKind::Gather || kind == RowKind::ColSum)
    return kind;
  bool perColumn = (kind == RowKind::RowCol || kind == RowKind::Col) && own.cols > 1;
  bool perRow = (kind == RowKind::RowCol || kind == RowKind::Row) && own.rows > 1;
  if (rows == 1)
    perRow = true;
  if (perRow)
    return perColumn ? RowKind::RowCol : RowKind::Row;
  return perColumn ? RowKind::Col : RowKind::Scalar;
}

std::optional<RowKind> FusionGraph::kindOfResult(Group group, Operation *op) const {
  const RowSpace &own = space(op);
  switch (cast<RowWiseOpInterface>(op).getRowRole()) {
  case RowRole::Elementwise:
    return canonical(RowKind::RowCol, own, rows(group), cols(group));
  case RowRole::RowReduction:
    return canonical(RowKind::Row, own, rows(group), cols(group));
  case RowRole::ColumnReduction:
    return RowKind::ColSum;
  case RowRole::None:
    break;
  }
  return std::nullopt;
}

std::optional<RowKind> FusionGraph::kindOfOperand(Group group, Operation *op, unsigned index) const {
  const RowSpace &own = space(op);
  auto kind = own.kindOf(cast<RowWiseOpInterface>(op), index);
  if (!kind)
    return std::nullopt;
  return canonical(*kind, own, rows(group), cols(group));
}

//===------------------------------------------------------------------------------------------===//
// Merging
//===------------------------------------------------------------------------------------------===//

/// Equal spaces merge; numbers per row ([rows, 1]) join their rows; single numbers join the only group that reads them.
std::optional<std::pair<int64_t, int64_t>> FusionGraph::mergedExtents(Group producer, Group consumer) const {
  auto p = extents[producer], c = extents[consumer];
  if (p.first == 0 || c.first == 0)
    return std::nullopt;
  if (p == c)
    return p;
  if (p.first == 1 && p.second == 1 && escapes(producer, consumer))
    return std::nullopt;
  if (p.first == c.first && (p.second == 1 || c.second == 1))
    return std::pair<int64_t, int64_t>{p.first, std::max(p.second, c.second)};
  if (p.first == 1 && p.second == 1)
    return c;
  return std::nullopt;
}

/// Whether a value of `producer` is used outside both groups.
bool FusionGraph::escapes(Group producer, Group consumer) const {
  for (Operation *op : members[producer])
    for (OpOperand *use : usesThroughReshapes(op->getResult(0))) {
      if (!isNode(use->getOwner()))
        return true;
      Group user = groupOf(use->getOwner());
      if (user != producer && user != consumer)
        return true;
    }
  return false;
}

/// Whether every value from `producer` to `consumer` is the same part of a row on both sides.
bool FusionGraph::edgesFit(Group producer, Group consumer, std::pair<int64_t, int64_t> merged) const {
  bool any = false;
  for (Operation *op : members[producer])
    for (OpOperand *use : usesThroughReshapes(op->getResult(0))) {
      Operation *user = use->getOwner();
      if (!isNode(user) || groupOf(user) != consumer)
        continue;
      any = true;
      auto rowWise = cast<RowWiseOpInterface>(user);
      unsigned index = use->getOperandNumber();
      for (unsigned i = 0; i < user->getNumOperands(); ++i)
        if (rowWise.isGatheredOperand(i) && (i == index || rowWise.getGatherIndex() == index))
          return false;
      RowRole role = cast<RowWiseOpInterface>(op).getRowRole();
      if (role == RowRole::ColumnReduction)
        return false;
      RowKind made = canonical(role == RowRole::RowReduction ? RowKind::Row : RowKind::RowCol, space(op), merged.first,
                               merged.second);
      RowKind read = canonical(*space(user).kindOf(rowWise, index), space(user), merged.first, merged.second);
      if (made != read)
        return false;
    }
  return any;
}

/// Groups that begin behind this position lead to no op at `last` or before. It is not `last` itself: a path may enter
/// a group at a late op of it and go on from an early one.
unsigned FusionGraph::horizon(unsigned last) const {
  while (spans[last] > last)
    last = spans[last];
  return last;
}

/// Whether a path leads from `from` to `to` through another group (or, where `ignoreDirect` is false, at all).
bool FusionGraph::hasIndirectPath(Group from, Group to, bool ignoreDirect) const {
  unsigned last = horizon(position.lookup(members[to].back()));
  llvm::DenseSet<Group> seen{from};
  SmallVector<Group> stack;
  auto push = [&](Group group, bool direct) -> bool {
    for (Operation *op : members[group]) {
      auto it = successors.find(op);
      if (it == successors.end())
        continue;
      for (Operation *next : it->second) {
        Group target = groupOf(next);
        if (target == to) {
          if (direct && ignoreDirect)
            continue;
          return true;
        }
        unsigned first = position.lookup(members[target].front());
        if (first <= last && seen.insert(target).second)
          stack.push_back(target);
      }
    }
    return false;
  };
  if (push(from, /*direct=*/true))
    return true;
  while (!stack.empty())
    if (push(stack.pop_back_val(), /*direct=*/false))
      return true;
  return false;
}

void FusionGraph::merge(Group from, Group into, std::pair<int64_t, int64_t> merged) {
  for (Operation *op : members[from])
    groups[op] = into;
  members[into].append(members[from]);
  members[from].clear();
  llvm::sort(members[into], [&](Operation *a, Operation *b) { return position.lookup(a) < position.lookup(b); });
  extents[into] = merged;
  unsigned last = position.lookup(members[into].back());
  for (unsigned i = position.lookup(members[into].front()); i < last; ++i)
    spans[i] = std::max(spans[i], last);
}

bool FusionGraph::tryMerge(Group producer, Group consumer) {
  if (producer == consumer)
    return false;
  auto merged = mergedExtents(producer, consumer);
  if (!merged || !edgesFit(producer, consumer, *merged) || hasIndirectPath(producer, consumer, /*ignoreDirect=*/true))
    return false;
  merge(producer, consumer, *merged);
  return true;
}

bool FusionGraph::tryMergeSiblings(Group a, Group b) {
  if (a == b || extents[a] != extents[b] || extents[a].first == 0)
    return false;
  if (hasIndirectPath(a, b, /*ignoreDirect=*/false) || hasIndirectPath(b, a, /*ignoreDirect=*/false))
    return false;
  merge(a, b, extents[a]);
  return true;
}

//===------------------------------------------------------------------------------------------===//
// Ordering
//===------------------------------------------------------------------------------------------===//

SmallVector<FusionGraph::Group> FusionGraph::schedule() const {
  std::vector<unsigned> waiting(members.size(), 0), key(members.size(), 0);
  for (Group group = 0; group < members.size(); ++group)
    for (Operation *op : members[group]) {
      key[group] = std::max(key[group], position.lookup(op));
      for (Operation *next : successors.lookup(op))
        if (groupOf(next) != group)
          ++waiting[groupOf(next)];
    }
  using Entry = std::pair<unsigned, Group>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> ready;
  for (Group group = 0; group < members.size(); ++group)
    if (!members[group].empty() && waiting[group] == 0)
      ready.push({key[group], group});
  SmallVector<Group> order;
  while (!ready.empty()) {
    Group group = ready.top().second;
    ready.pop();
    order.push_back(group);
    for (Operation *op : members[group])
      for (Operation *next : successors.lookup(op))
        if (groupOf(next) != group && --waiting[groupOf(next)] == 0)
          ready.push({key[groupOf(next)], groupOf(next)});
  }
  return order;
}
