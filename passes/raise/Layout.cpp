#include "passes/raise/Layout.h"

using namespace mlir;
using namespace nf;

Layout::Layout(Value start) : start(start), shape(tensorType(start).getShape()), sourceShape(shape) {
  for (int64_t extent : shape) {
    if (extent == 1)
      continue;
    order.push_back(static_cast<int>(extents.size()));
    extents.push_back(extent);
  }
  sourceOrder = order;
}

Layout Layout::of(Value value, Value end) {
  SmallVector<Operation *> chain;
  for (Value v = value; v != end; v = chain.back()->getOperand(0)) {
    Operation *op = v.getDefiningOp();
    if (!isa_and_nonnull<ReshapeOp, TransposeOp>(op))
      break;
    chain.push_back(op);
  }
  Layout layout(chain.empty() ? value : chain.back()->getOperand(0));
  for (Operation *op : llvm::reverse(chain)) {
    auto transpose = dyn_cast<TransposeOp>(op);
    if (transpose)
      layout.transpose(transpose.getPermutation());
    else if (!layout.reshape(tensorType(op->getResult(0)).getShape()))
      layout = Layout(op->getResult(0)); // the chain starts anew here
    else
      ++layout.steps;
    layout.steps += transpose ? 1 : 0;
    layout.transposeSteps += transpose ? 1 : 0;
  }
  return layout;
}

/// Makes `atom` an outer and an inner atom.
void Layout::split(int atom, int64_t inner) {
  int fresh = static_cast<int>(extents.size());
  extents.push_back(inner);
  extents[atom] /= inner;
  for (auto *list : {&order, &sourceOrder})
    list->insert(std::next(llvm::find(*list, atom)), fresh);
}

bool Layout::reshape(ArrayRef<int64_t> to) {
  size_t next = 0; // of order
  for (int64_t extent : to) {
    int64_t have = 1;
    while (have < extent) {
      int64_t atom = extents[order[next]], missing = extent / have;
      if (extent % have != 0 || (missing % atom != 0 && atom % missing != 0))
        return false;
      if (atom > missing)
        split(order[next], atom / missing);
      have *= extents[order[next++]];
    }
    if (have != extent)
      return false;
  }
  shape.assign(to.begin(), to.end());
  return true;
}

SmallVector<SmallVector<int>> Layout::group(ArrayRef<int> atoms, ArrayRef<int64_t> shape) const {
  SmallVector<SmallVector<int>> groups;
  size_t next = 0;
  for (int64_t extent : shape) {
    groups.emplace_back();
    for (int64_t have = 1; have < extent; ++next) {
      have *= extents[atoms[next]];
      groups.back().push_back(atoms[next]);
    }
  }
  return groups;
}

void Layout::transpose(ArrayRef<int64_t> permutation) {
  auto groups = group(order, shape);
  SmallVector<int64_t> from(shape);
  order.clear();
  for (auto [i, axis] : llvm::enumerate(permutation)) {
    shape[i] = from[axis];
    llvm::append_range(order, groups[axis]);
  }
}
