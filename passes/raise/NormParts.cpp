#include "passes/raise/NormParts.h"
#include "passes/raise/RowFormula.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace nf;

/// Whether `formula` is weight · x / √(mean x²), with x large.
static bool isRmsNorm(const RowFormula &formula) {
  if (formula.vectors().size() > 1)
    return false;
  Samples samples;
  for (double scale : {1e3, 1e5}) {
    Row x = samples.row(formula.columns(), scale), weight(x.size(), 1);
    Leaves leaves;
    for (Value vector : formula.vectors())
      leaves[vector] = weight = samples.row(formula.columns(), 1);
    double squares = std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
    Row expected(x);
    for (size_t i = 0; i < x.size(); ++i)
      expected[i] *= weight[i] / std::sqrt(squares / static_cast<double>(x.size()));
    if (!agree(expected, formula.evaluate(x, leaves)))
      return false;
  }
  return true;
}

static NormPart rmsNormAt(Operation *op) {
  auto formula = findNorm(op->getResult(0), isRmsNorm);
  if (!formula)
    return {};
  Value weight = formula->vectors().empty() ? Value() : formula->vectors().front();
  return {op, formula->argument(), weight, Value(), llvm::to_vector(formula->ops())};
}

NormFinder::NormFinder(ProgramOp program) {
  for (Operation &op : llvm::reverse(program.getBody().front())) {
    NormPart norm;
    if (auto layer = dyn_cast<LayerNormOp>(op))
      norm = {layer, layer.getX(), layer.getWeight(), layer.getBias(), {layer}};
    else if (isa<MulOp, DivOp>(op) && !inside.contains(&op))
      norm = rmsNormAt(&op);
    if (!norm)
      continue;
    inside.insert(norm.ops.begin(), norm.ops.end());
    inside.erase(norm.end);
    norms.push_back(std::move(norm));
  }
  std::reverse(norms.begin(), norms.end());
  for (auto [index, norm] : llvm::enumerate(norms))
    ends[norm.end] = index;
}

NormPart NormFinder::endingAt(Operation *op) const {
  auto found = ends.find(op);
  return found == ends.end() ? NormPart() : norms[found->second];
}

NormPart NormFinder::of(Value value) const {
  NormPart norm = value ? endingAt(value.getDefiningOp()) : NormPart();
  return norm.result() == value ? norm : NormPart();
}
