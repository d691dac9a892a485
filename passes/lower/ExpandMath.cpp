//===- ExpandMath.cpp - elementary functions in arithmetic -----------------------------------===//
//
// math.exp, log, tanh, erf, rsqrt and powf on f32, scalars and vectors, become arith and math.fma: the same code on
// every target, and no call of a library. sqrt, fma and arithmetic stay native. Polynomials are minimax fits on the
// intervals named beside them; test/passes/lower measures all of them against libm.
//
//   function  error (units in the last place)  special values
//   exp       < 1.1                            as libm; denormal results are rounded once
//   log       < 1                              as libm; denormal operands are exact
//   tanh      < 2                              as libm; tanh(-0) = -0
//   erf       < 2                              as libm; erf(-0) = -0
//   rsqrt     < 1.5, as 1/√x                   as 1/√x: rsqrt(±0) = ±inf
//   powf      e^(y ln x), x ≥ 0: the error of  pow(x, 0) = 1; NaN where x < 0, and where ln x · y is 0 · ∞
//             ln x times |y|
//
// Conversions of bf16 become integer arithmetic where the target has none: to nearest even, denormals kept, NaN quiet.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "passes/lower/Passes.h"

#include <limits>

namespace nf {
#define GEN_PASS_DEF_EXPANDMATH
#include "passes/lower/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

namespace {
/// Arithmetic on f32 and i32 of one shape: a scalar, or a vector of any length.
class Lanes : public ImplicitLocOpBuilder {
public:
  Lanes(Location location, OpBuilder &builder, Type shape) : ImplicitLocOpBuilder(location, builder), shape(shape) {}

  Type like(Type element) {
    auto vector = dyn_cast<VectorType>(shape);
    return vector ? Type(vector.clone(element)) : element;
  }
  Value constant(TypedAttr scalar) {
    if (auto vector = dyn_cast<VectorType>(like(scalar.getType())))
      scalar = DenseElementsAttr::get(vector, Attribute(scalar));
    return arith::ConstantOp::create(*this, scalar);
  }
  Value f(float value) { return constant(getF32FloatAttr(value)); }
  Value i(uint32_t value) { return constant(getI32IntegerAttr(static_cast<int32_t>(value))); }

  Value add(Value x, Value y) { return arith::AddFOp::create(*this, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(*this, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(*this, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(*this, x, y); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(*this, x, y, z); }
  Value addI(Value x, Value y) { return arith::AddIOp::create(*this, x, y); }
  Value subI(Value x, Value y) { return arith::SubIOp::create(*this, x, y); }
  Value andI(Value x, Value y) { return arith::AndIOp::create(*this, x, y); }
  Value orI(Value x, Value y) { return arith::OrIOp::create(*this, x, y); }
  Value shiftLeft(Value x, uint32_t by) { return arith::ShLIOp::create(*this, x, i(by)); }
  Value shiftRight(Value x, uint32_t by) { return arith::ShRUIOp::create(*this, x, i(by)); }
  Value shiftRightSigned(Value x, uint32_t by) { return arith::ShRSIOp::create(*this, x, i(by)); }
  Value bits(Value x) { return arith::BitcastOp::create(*this, like(getI32Type()), x); }
  Value floatOf(Value bits) { return arith::BitcastOp::create(*this, like(getF32Type()), bits); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(*this, predicate, x, y);
  }
  Value less(Value x, Value y) { return compare(arith::CmpFPredicate::OLT, x, y); }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(*this, condition, x, y); }
  /// min(x, bound) and max(x, bound); NaN stays.
  Value atMost(Value x, float bound) { return select(less(f(bound), x), f(bound), x); }
  Value atLeast(Value x, float bound) { return select(less(x, f(bound)), f(bound), x); }

  /// The polynomial with these coefficients, highest power first.
  Value polynomial(Value x, ArrayRef<float> coefficients) {
    Value sum = f(coefficients.front());
    for (float c : coefficients.drop_front())
      sum = fma(sum, x, f(c));
    return sum;
  }
  Value magnitude(Value x) { return floatOf(andI(bits(x), i(0x7fffffff))); }
  /// `magnitude` with the sign of x.
  Value withSign(Value magnitude, Value x) { return floatOf(orI(bits(magnitude), andI(bits(x), i(0x80000000)))); }

private:
  Type shape;
};
} // namespace

//===------------------------------------------------------------------------------------------===//
// The functions
//===------------------------------------------------------------------------------------------===//

static constexpr float infinity = std::numeric_limits<float>::infinity();
static constexpr float quietNaN = std::numeric_limits<float>::quiet_NaN();

namespace {
/// e^x = mantissa · 2^exponent, mantissa in [0.7, 1.42]. The low 22 bits of `bits` are those of the exponent.
struct Exponential {
  Value mantissa, bits;
};
} // namespace

/// For |x| < 2^21; NaN gives a NaN mantissa.
static Exponential splitExp(Lanes &b, Value x) {
  // Adding 1.5 · 2^23 rounds to an integer, which is then in the low bits.
  Value magic = b.f(12582912.0f);
  Value shifted = b.fma(x, b.f(0x1.715476p+0f), magic);
  Value n = b.sub(shifted, magic);
  Value r = b.fma(n, b.f(-0x1.62e430p-1f), x);
  r = b.fma(n, b.f(0x1.05c610p-29f), r);
  // e^r = 1 + r + r² q(r) on |r| ≤ ln(2) / 2, to 2^-28.
  Value q = b.polynomial(r, {0x1.6a1a00p-10f, 0x1.123fd2p-7f, 0x1.555918p-5f, 0x1.55548ap-3f, 0x1.fffffcp-2f});
  Value mantissa = b.add(b.fma(b.mul(r, r), q, r), b.f(1.0f));
  return {mantissa, b.bits(shifted)};
}

static Value expandExp(Lanes &b, Value x) {
  // Beyond these bounds the result is 0 or ∞, which scaling in two steps gives.
  Exponential e = splitExp(b, b.atLeast(b.atMost(x, 89.5f), -105.0f));
  // 2^⌊n/2⌋ and 2^⌈n/2⌉: n · 2^22 has ⌊n/2⌋ where a float has its exponent, and half a unit more gives the other.
  constexpr uint32_t one = 127u << 23, half = 1u << 22, exponentMask = 0xff800000;
  Value exponents = b.shiftLeft(e.bits, 22);
  Value lower = b.floatOf(b.andI(b.addI(exponents, b.i(one)), b.i(exponentMask)));
  Value upper = b.floatOf(b.andI(b.addI(exponents, b.i(one + half)), b.i(exponentMask)));
  return b.mul(b.mul(e.mantissa, lower), upper);
}

/// e^x where that is a normal number.
static Value expandExpInRange(Lanes &b, Value x) {
  Exponential e = splitExp(b, x);
  return b.mul(e.mantissa, b.floatOf(b.addI(b.shiftLeft(e.bits, 23), b.i(127u << 23))));
}

static Value expandLog(Lanes &b, Value x) {
  Value isTiny = b.less(x, b.f(0x1p-126f));
  Value normal = b.select(isTiny, b.mul(x, b.f(0x1p23f)), x);
  Value bias = b.select(isTiny, b.f(-23.0f), b.f(0.0f));
  // x = m · 2^e with m in [2/3, 4/3).
  Value bits = b.bits(normal);
  Value exponentBits = b.andI(b.subI(bits, b.i(0x3f2aaaab)), b.i(0xff800000));
  Value e = arith::SIToFPOp::create(b, b.like(b.getF32Type()), b.shiftRightSigned(exponentBits, 23));
  e = b.add(e, bias);
  Value t = b.sub(b.floatOf(b.subI(bits, exponentBits)), b.f(1.0f));
  // ln(1 + t) = t − t²/2 + t³ q(t) on |t| ≤ 1/3, to 2^-27.7.
  Value q = b.polynomial(t, {-0x1.082262p-3f, 0x1.1e8bb8p-3f, -0x1.f305a0p-4f, 0x1.1ed02cp-3f, -0x1.559e28p-3f,
                             0x1.99d08ap-3f, -0x1.fffeeep-3f, 0x1.555506p-2f, -0.5f});
  Value log = b.fma(q, b.mul(t, t), t);
  log = b.fma(e, b.f(0x1.62e430p-1f), log);

  Value zero = b.f(0.0f);
  Value isOrdinary = b.compare(arith::CmpFPredicate::OGT, x, zero);
  isOrdinary = arith::AndIOp::create(b, isOrdinary, b.less(x, b.f(infinity)));
  Value special = b.select(b.less(x, zero), b.f(quietNaN), b.add(x, x));
  special = b.select(b.compare(arith::CmpFPredicate::OEQ, x, zero), b.f(-infinity), special);
  return b.select(isOrdinary, log, special);
}

static Value expandTanh(Lanes &b, Value x) {
  Value t = b.magnitude(x);
  // tanh t = t + t³ p(t²) below 0.625, to 2^-27.7.
  Value square = b.mul(t, t);
  Value p = b.polynomial(square, {-0x1.7453b6p-8f, 0x1.51d0aep-6f, -0x1.b82fb6p-5f, 0x1.1106cap-3f, -0x1.555532p-2f});
  Value small = b.fma(b.mul(square, p), t, t);
  // 1 − 2 / (e^2t + 1) above; it rounds to 1 from 9.02 on.
  Value e = expandExpInRange(b, b.mul(b.atMost(t, 9.5f), b.f(2.0f)));
  Value large = b.sub(b.f(1.0f), b.div(b.f(2.0f), b.add(e, b.f(1.0f))));
  return b.withSign(b.select(b.less(t, b.f(0.625f)), small, large), x);
}

static Value expandErf(Lanes &b, Value x) {
  Value t = b.magnitude(x);
  // erf t = t + t p(t²) below 1, to 2^-24.6.
  Value p = b.polynomial(b.mul(t, t), {-0x1.273f8ap-11f, 0x1.4246c8p-8f, -0x1.b5a35ap-6f, 0x1.ce0942p-4f,
                                       -0x1.812674p-2f, 0x1.06eba2p-3f});
  Value small = b.fma(t, p, t);
  // 1 − e^q(t), q = ln erfc, from 1 to 4, to 2^-29.8; it rounds to 1 from 3.92 on.
  Value q = b.polynomial(b.atMost(t, 4.0f), {0x1.86dd16p-13f, -0x1.825a9ep-9f, 0x1.65cb3ep-6f, -0x1.a6531ep-4f,
                                             -0x1.46baf2p-1f, -0x1.2088e8p+0f, -0x1.66268cp-12f});
  Value large = b.sub(b.f(1.0f), expandExpInRange(b, q));
  return b.withSign(b.select(b.less(t, b.f(1.0f)), small, large), x);
}

static Value expandRsqrt(Lanes &b, Value x) { return b.div(b.f(1.0f), math::SqrtOp::create(b, x)); }

static Value expandPow(Lanes &b, Value x, Value y) {
  Value power = expandExp(b, b.mul(y, expandLog(b, x)));
  return b.select(b.compare(arith::CmpFPredicate::OEQ, y, b.f(0.0f)), b.f(1.0f), power);
}

/// bf16 is the upper half of an f32.
static Value expandFromBF16(Lanes &b, Value x) {
  Value half = arith::BitcastOp::create(b, b.like(b.getI16Type()), x);
  return b.floatOf(b.shiftLeft(arith::ExtUIOp::create(b, b.like(b.getI32Type()), half), 16));
}

static Value expandToBF16(Lanes &b, Value x) {
  Value bits = b.bits(x);
  Value isOdd = b.andI(b.shiftRight(bits, 16), b.i(1));
  Value rounded = b.addI(bits, b.addI(isOdd, b.i(0x7fff)));
  // Rounding could turn a NaN into an infinity.
  Value isNaN = b.compare(arith::CmpFPredicate::UNO, x, x);
  Value upper = b.shiftRight(b.select(isNaN, b.orI(bits, b.i(0x400000)), rounded), 16);
  Value half = arith::TruncIOp::create(b, b.like(b.getI16Type()), upper);
  return arith::BitcastOp::create(b, b.like(b.getBF16Type()), half);
}

//===------------------------------------------------------------------------------------------===//
// Patterns
//===------------------------------------------------------------------------------------------===//

namespace {
/// Replaces an op of one operand by what `expand` makes of it.
template <typename Op, Value (*expand)(Lanes &, Value)> struct ExpandUnary : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "expected f32");
    Lanes b(op.getLoc(), rewriter, op.getType());
    rewriter.replaceOp(op, expand(b, op.getOperand()));
    return success();
  }
};

struct ExpandPow : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::PowFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "expected f32");
    Lanes b(op.getLoc(), rewriter, op.getType());
    rewriter.replaceOp(op, expandPow(b, op.getLhs(), op.getRhs()));
    return success();
  }
};

/// A conversion between bf16 and f32.
template <typename Op, Value (*expand)(Lanes &, Value)> struct ExpandBF16 : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Type from = getElementTypeOrSelf(op.getIn().getType()), to = getElementTypeOrSelf(op.getType());
    if (!(from.isBF16() && to.isF32()) && !(from.isF32() && to.isBF16()))
      return rewriter.notifyMatchFailure(op, "expected f32 and bf16");
    Lanes b(op.getLoc(), rewriter, op.getType());
    rewriter.replaceOp(op, expand(b, op.getIn()));
    return success();
  }
};

struct ExpandMath : nf::impl::ExpandMathBase<ExpandMath> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateExpandMathPatterns(patterns);
    if (bf16)
      populateExpandBF16Patterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace

void nf::populateExpandMathPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandUnary<math::ExpOp, expandExp>, ExpandUnary<math::LogOp, expandLog>,
               ExpandUnary<math::TanhOp, expandTanh>, ExpandUnary<math::ErfOp, expandErf>,
               ExpandUnary<math::RsqrtOp, expandRsqrt>, ExpandPow>(patterns.getContext());
}

void nf::populateExpandBF16Patterns(RewritePatternSet &patterns) {
  patterns.add<ExpandBF16<arith::ExtFOp, expandFromBF16>, ExpandBF16<arith::TruncFOp, expandToBF16>>(
      patterns.getContext());
}
