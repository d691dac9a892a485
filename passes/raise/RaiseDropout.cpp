//===- RaiseDropout.cpp - masks of random bits into nf.dropout ----------------------------------===//
//
// where(random_bits ≥ p · 2³¹, x / (1 − p), 0) becomes nf.dropout. The rate is the shortest decimal that gives the
// threshold, and the factor must fit it.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/Dropout.h"
#include "passes/raise/Passes.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace nf {
#define GEN_PASS_DEF_RAISEDROPOUT
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// The shortest decimal p with ⌊p · 2³¹⌋ = threshold.
static double rateOf(double threshold) {
  for (int digits = 1; digits < 12; ++digits) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.*f", digits, std::ldexp(threshold, -31));
    double p = std::strtod(text, nullptr);
    if (std::floor(std::ldexp(p, 31)) == threshold)
      return p;
  }
  return std::ldexp(threshold, -31);
}

std::optional<DropoutMatch> nf::matchDropout(Value root) {
  auto where = root.getDefiningOp<WhereOp>();
  auto compare = where ? where.getCondition().getDefiningOp<CompareOp>() : CompareOp();
  if (!compare || compare.getPredicate() != ComparePredicate::Ge || numberOf(where.getRhs()) != 0.0)
    return std::nullopt;
  auto bits = compare.getLhs().getDefiningOp<RandomBitsOp>();
  auto threshold = numberOf(compare.getRhs());
  if (!bits || !threshold)
    return std::nullopt;
  double p = rateOf(*threshold);
  Operation *product = where.getLhs().getDefiningOp();
  Factored kept = factorOf(where.getLhs());
  if (!(p > 0 && p < 1) || kept.base == where.getLhs() || !product->hasOneUse() ||
      std::fabs(kept.factor * (1 - p) - 1) > 1e-6)
    return std::nullopt;
  return DropoutMatch{kept.base, p, bits, {where, product, compare, bits}};
}

static void raise(Operation *op) {
  auto match = isa<WhereOp>(op) ? matchDropout(op->getResult(0)) : std::nullopt;
  if (!match)
    return;
  auto type = tensorType(match->x);
  RandomBitsOp bits = match->bits;
  if (type.getRank() != 3 || type != op->getResult(0).getType() ||
      bits.getRowsPerSample() != static_cast<uint64_t>(type.getDimSize(1)) ||
      tensorType(bits.getResult()).getShape() != type.getShape())
    return;
  OpBuilder builder(op);
  Value dropped = DropoutOp::create(builder, fusedLocation(match->ops), match->x, bits.getSeed(), bits.getStep(),
                                    bits.getSampleOffset(), builder.getF64FloatAttr(match->p), bits.getSiteAttr());
  op->getResult(0).replaceAllUsesWith(dropped);
}

namespace {
struct RaiseDropout : nf::impl::RaiseDropoutBase<RaiseDropout> {
  void runOnOperation() override { forEachRoot(getOperation(), raise); }
};
} // namespace
