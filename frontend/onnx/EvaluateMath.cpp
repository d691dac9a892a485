// Arithmetic, comparisons, logic, reductions.
#include "frontend/onnx/Evaluate.h"

#include <cmath>
#include <functional>
#include <set>

using namespace nf::onnxfe;
using llvm::ArrayRef;
using llvm::SmallVector;
using Result = std::optional<HostTensors>;

static const HostTensor *input(HostInputs inputs, size_t index) {
  return index < inputs.size() ? inputs[index] : nullptr;
}

/// Integers wrap at the width of their element, floats are rounded to theirs.
static void store(HostTensor &y, int64_t index, int64_t value) {
  switch (y.element) {
  case Element::I32:
    value = static_cast<int32_t>(value);
    break;
  case Element::I8:
    value = static_cast<int8_t>(value);
    break;
  case Element::U8:
    value = static_cast<uint8_t>(value);
    break;
  default:
    break;
  }
  y.integers[index] = value;
}

static double rounded(Element element, double value) {
  return element == Element::F32 ? static_cast<double>(static_cast<float>(value)) : value;
}

std::optional<HostTensor> nf::onnxfe::castTensor(const HostTensor &x, Element element) {
  auto y = makeTensor(element, x.shape);
  if (!y)
    return std::nullopt;
  for (int64_t i = 0; i < x.size(); ++i) {
    if (y->isFloat())
      y->floats[i] = rounded(element, x.number(i));
    else if (element == Element::Bool)
      y->integers[i] = x.isFloat() ? x.floats[i] != 0 : x.integers[i] != 0;
    else if (!x.isFloat())
      store(*y, i, x.integers[i]);
    else if (std::abs(x.floats[i]) < 9.2e18) // what C++ defines; others become 0
      store(*y, i, static_cast<int64_t>(x.floats[i]));
  }
  return y;
}

static Result cast(const Node &node, HostInputs inputs) {
  auto element = elementOf(static_cast<int32_t>(node.integer("to", 0)));
  auto y = element ? castTensor(*inputs[0], *element) : std::nullopt;
  return y ? Result(only(std::move(*y))) : std::nullopt;
}

static Result castLike(const Node &, HostInputs inputs) {
  const HostTensor *like = input(inputs, 1);
  auto y = like ? castTensor(*inputs[0], like->element) : std::nullopt;
  return y ? Result(only(std::move(*y))) : std::nullopt;
}

//===------------------------------------------------------------------------------------------===//
// Elementwise
//===------------------------------------------------------------------------------------------===//

/// z = f(x, y) with broadcasting; `f` and `g` are the operator on floats and on integers.
template <typename F, typename G>
static std::optional<HostTensor> zip(const HostTensor &x, const HostTensor &y, Element element, F f, G g) {
  auto shape = broadcast(x.shape, y.shape);
  if (!shape || x.isFloat() != y.isFloat())
    return std::nullopt;
  auto z = makeTensor(element, *shape);
  if (!z)
    return std::nullopt;
  std::vector<int64_t> a = broadcastPositions(x.shape, *shape), b = broadcastPositions(y.shape, *shape);
  for (int64_t i = 0; i < z->size(); ++i) {
    if (!x.isFloat())
      store(*z, i, g(x.integers[a[i]], y.integers[b[i]]));
    else if (z->isFloat())
      z->floats[i] = rounded(element, f(x.floats[a[i]], y.floats[b[i]]));
    else
      z->integers[i] = f(x.floats[a[i]], y.floats[b[i]]) != 0;
  }
  return z;
}

static int64_t wrapAdd(int64_t a, int64_t b) { return static_cast<int64_t>(uint64_t(a) + uint64_t(b)); }
static int64_t wrapSub(int64_t a, int64_t b) { return static_cast<int64_t>(uint64_t(a) - uint64_t(b)); }
static int64_t wrapMul(int64_t a, int64_t b) { return static_cast<int64_t>(uint64_t(a) * uint64_t(b)); }
static int64_t quotient(int64_t a, int64_t b) { return b == 0 || (a == INT64_MIN && b == -1) ? 0 : a / b; }

/// Python's remainder, or C's with fmod.
static int64_t modulo(int64_t a, int64_t b) {
  if (b == 0 || b == -1)
    return 0;
  int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static int64_t power(int64_t a, int64_t b) {
  return static_cast<int64_t>(std::llround(std::pow(double(a), double(b))));
}

struct Maximum {
  double operator()(double a, double b) const { return std::isnan(a) || std::isnan(b) ? NAN : std::max(a, b); }
  int64_t operator()(int64_t a, int64_t b) const { return std::max(a, b); }
};
struct Minimum {
  double operator()(double a, double b) const { return std::isnan(a) || std::isnan(b) ? NAN : std::min(a, b); }
  int64_t operator()(int64_t a, int64_t b) const { return std::min(a, b); }
};

/// An operator of two or more operands whose result has their element type.
template <auto F, auto G> static Result arithmetic(const Node &, HostInputs inputs) {
  HostTensor sum = *inputs[0];
  for (const HostTensor *operand : inputs.drop_front()) {
    if (!operand || operand->element != sum.element)
      return std::nullopt;
    auto next = zip(sum, *operand, sum.element, F, G);
    if (!next)
      return std::nullopt;
    sum = std::move(*next);
  }
  return only(std::move(sum));
}

template <auto F, auto G> static Result comparison(const Node &, HostInputs inputs) {
  const HostTensor *y = input(inputs, 1);
  auto z = y ? zip(*inputs[0], *y, Element::Bool, F, G) : std::nullopt;
  return z ? Result(only(std::move(*z))) : std::nullopt;
}

#define NF_BINARY(NAME, EXPRESSION)                                                                                    \
  struct NAME {                                                                                                        \
    auto operator()(auto a, auto b) const { return EXPRESSION; }                                                       \
  };
NF_BINARY(Equal, a == b)
NF_BINARY(Less, a < b)
NF_BINARY(Greater, a > b)
NF_BINARY(LessOrEqual, a <= b)
NF_BINARY(GreaterOrEqual, a >= b)
NF_BINARY(And, a != 0 && b != 0)
NF_BINARY(Or, a != 0 || b != 0)
NF_BINARY(Xor, (a != 0) != (b != 0))
NF_BINARY(Add, a + b)
NF_BINARY(Sub, a - b)
NF_BINARY(Mul, a *b)
NF_BINARY(Div, a / b)
#undef NF_BINARY

static Result pow(const Node &, HostInputs inputs) {
  const HostTensor *given = input(inputs, 1);
  if (!given)
    return std::nullopt;
  auto exponent = castTensor(*given, inputs[0]->element);
  if (!exponent || (given->isFloat() && !inputs[0]->isFloat()))
    return std::nullopt;
  auto z = zip(*inputs[0], *exponent, inputs[0]->element, [](double a, double b) { return std::pow(a, b); }, power);
  return z ? Result(only(std::move(*z))) : std::nullopt;
}

static Result mod(const Node &node, HostInputs inputs) {
  const HostTensor *y = input(inputs, 1);
  if (!y || (inputs[0]->isFloat() && !node.integer("fmod", 0)))
    return std::nullopt;
  auto whole = [&](int64_t a, int64_t b) {
    return node.integer("fmod", 0) ? (b == 0 || b == -1 ? 0 : a % b) : modulo(a, b);
  };
  auto z = zip(*inputs[0], *y, inputs[0]->element, [](double a, double b) { return std::fmod(a, b); }, whole);
  return z ? Result(only(std::move(*z))) : std::nullopt;
}

template <double (*F)(double)> static Result floatMap(const Node &, HostInputs inputs) {
  HostTensor y = *inputs[0];
  if (!y.isFloat())
    return std::nullopt;
  for (double &value : y.floats)
    value = rounded(y.element, F(value));
  return only(std::move(y));
}

static double reciprocal(double x) { return 1 / x; }
static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

template <auto F> static Result numberMap(const Node &, HostInputs inputs) {
  HostTensor y = *inputs[0];
  for (double &value : y.floats)
    value = F(value);
  for (int64_t i = 0; i < static_cast<int64_t>(y.integers.size()); ++i)
    store(y, i, F(y.integers[i]));
  return only(std::move(y));
}

struct Negative {
  double operator()(double x) const { return -x; }
  int64_t operator()(int64_t x) const { return wrapSub(0, x); }
};
struct Absolute {
  double operator()(double x) const { return std::abs(x); }
  int64_t operator()(int64_t x) const { return x < 0 ? wrapSub(0, x) : x; }
};
struct Sign {
  auto operator()(auto x) const { return decltype(x)((x > 0) - (x < 0)); }
};
struct Rectified {
  auto operator()(auto x) const { return x > 0 ? x : decltype(x)(0); }
};

/// A map to bool.
template <auto F> static Result test(const Node &, HostInputs inputs) {
  auto y = makeTensor(Element::Bool, inputs[0]->shape);
  if (!y)
    return std::nullopt;
  for (int64_t i = 0; i < y->size(); ++i)
    y->integers[i] = F(inputs[0]->number(i));
  return only(std::move(*y));
}

static Result isInf(const Node &node, HostInputs inputs) {
  bool up = node.integer("detect_positive", 1), down = node.integer("detect_negative", 1);
  auto y = makeTensor(Element::Bool, inputs[0]->shape);
  if (!y)
    return std::nullopt;
  for (int64_t i = 0; i < y->size(); ++i) {
    double x = inputs[0]->number(i);
    y->integers[i] = std::isinf(x) && (x > 0 ? up : down);
  }
  return only(std::move(*y));
}

static Result clip(const Node &node, HostInputs inputs) {
  HostTensor y = *inputs[0];
  const HostTensor *low = input(inputs, 1), *high = input(inputs, 2);
  if ((low && low->size() != 1) || (high && high->size() != 1))
    return std::nullopt;
  for (int64_t i = 0; i < y.size(); ++i) {
    if (y.isFloat()) {
      y.floats[i] = low ? std::max(y.floats[i], low->number(0)) : y.floats[i];
      y.floats[i] = high ? std::min(y.floats[i], high->number(0)) : y.floats[i];
    } else {
      if ((low && low->isFloat()) || (high && high->isFloat()))
        return std::nullopt;
      y.integers[i] = low ? std::max(y.integers[i], low->integers[0]) : y.integers[i];
      y.integers[i] = high ? std::min(y.integers[i], high->integers[0]) : y.integers[i];
    }
  }
  return only(std::move(y));
}

static Result where(const Node &, HostInputs inputs) {
  const HostTensor *x = input(inputs, 1), *y = input(inputs, 2);
  if (!x || !y || x->element != y->element || inputs[0]->isFloat())
    return std::nullopt;
  auto pair = broadcast(x->shape, y->shape);
  auto shape = pair ? broadcast(inputs[0]->shape, *pair) : std::nullopt;
  auto z = shape ? makeTensor(x->element, *shape) : std::nullopt;
  if (!z)
    return std::nullopt;
  std::vector<int64_t> c = broadcastPositions(inputs[0]->shape, *shape), a = broadcastPositions(x->shape, *shape),
                       b = broadcastPositions(y->shape, *shape);
  for (int64_t i = 0; i < z->size(); ++i) {
    bool chosen = inputs[0]->integers[c[i]] != 0;
    z->copy(i, chosen ? *x : *y, chosen ? a[i] : b[i]);
  }
  return only(std::move(*z));
}

//===------------------------------------------------------------------------------------------===//
// Reductions and products
//===------------------------------------------------------------------------------------------===//

static Result cumSum(const Node &node, HostInputs inputs) {
  HostTensor y = *inputs[0];
  const HostTensor *given = input(inputs, 1);
  auto axis =
      given && given->size() == 1 && !given->isFloat() ? normalizedAxis(given->integers[0], y.rank()) : std::nullopt;
  if (!axis)
    return std::nullopt;
  bool exclusive = node.integer("exclusive", 0), reverse = node.integer("reverse", 0);
  int64_t extent = y.shape[*axis], inner = *elementCount(ArrayRef<int64_t>(y.shape).drop_front(*axis + 1));
  for (int64_t line = 0; extent > 0 && line < y.size() / extent; ++line) {
    int64_t base = line / inner * extent * inner + line % inner;
    double sum = 0;
    int64_t whole = 0;
    for (int64_t j = 0; j < extent; ++j) {
      int64_t at = base + (reverse ? extent - 1 - j : j) * inner;
      double x = y.isFloat() ? y.floats[at] : 0;
      int64_t n = y.isFloat() ? 0 : y.integers[at];
      double total = sum + x;
      int64_t wholeTotal = wrapAdd(whole, n);
      if (y.isFloat())
        y.floats[at] = rounded(y.element, exclusive ? sum : total);
      else
        store(y, at, exclusive ? whole : wholeTotal);
      sum = total;
      whole = wholeTotal;
    }
  }
  return only(std::move(y));
}

enum class Reduction { Sum, Mean, Max, Min, Product };

/// `add` and `multiply` are those of floats, or those of integers, which wrap.
template <typename T, typename Add, typename Multiply>
static T combine(Reduction reduction, T a, T b, Add add, Multiply multiply) {
  switch (reduction) {
  case Reduction::Max:
    return std::max(a, b);
  case Reduction::Min:
    return std::min(a, b);
  case Reduction::Product:
    return multiply(a, b);
  default:
    return add(a, b);
  }
}

template <Reduction kind> static Result reduce(const Node &node, HostInputs inputs) {
  const HostTensor &x = *inputs[0];
  SmallVector<int64_t> given = integersOf(node, inputs, "axes", 1).value_or(SmallVector<int64_t>());
  if (given.empty() && node.integer("noop_with_empty_axes", 0))
    return only(x);
  if (given.empty())
    for (int64_t i = 0; i < x.rank(); ++i)
      given.push_back(i);
  auto axes = normalizedAxes(given, x.rank());
  if (!axes || x.size() == 0 || (kind == Reduction::Mean && !x.isFloat()))
    return std::nullopt;
  SmallVector<int64_t> kept(x.shape), dropped;
  for (int64_t axis : *axes)
    kept[axis] = 1;
  for (int64_t i = 0; i < x.rank(); ++i)
    if (!llvm::is_contained(*axes, i))
      dropped.push_back(x.shape[i]);
  HostTensor y(x.element, kept);
  std::vector<bool> started(y.size(), false);
  std::vector<int64_t> positions = broadcastPositions(kept, x.shape);
  for (int64_t i = 0; i < x.size(); ++i) {
    int64_t at = positions[i];
    if (!started[at])
      y.copy(at, x, i);
    else if (y.isFloat())
      y.floats[at] = combine<double>(kind, y.floats[at], x.floats[i], std::plus(), std::multiplies());
    else
      store(y, at, combine<int64_t>(kind, y.integers[at], x.integers[i], wrapAdd, wrapMul));
    started[at] = true;
  }
  double count = static_cast<double>(x.size()) / static_cast<double>(y.size());
  for (double &value : y.floats)
    value = rounded(y.element, kind == Reduction::Mean ? value / count : value);
  return only(node.integer("keepdims", 1) ? std::move(y) : y.reshaped(dropped));
}

template <bool isMax> static Result argBest(const Node &node, HostInputs inputs) {
  const HostTensor &x = *inputs[0];
  auto axis = normalizedAxis(node.integer("axis", 0), x.rank());
  if (!axis || x.size() == 0)
    return std::nullopt;
  SmallVector<int64_t> kept(x.shape), dropped(x.shape);
  kept[*axis] = 1;
  dropped.erase(dropped.begin() + *axis);
  HostTensor y(Element::I64, kept);
  bool last = node.integer("select_last_index", 0);
  int64_t extent = x.shape[*axis], inner = *elementCount(ArrayRef<int64_t>(x.shape).drop_front(*axis + 1));
  for (int64_t line = 0; line < y.size(); ++line) {
    int64_t base = line / inner * extent * inner + line % inner, best = 0;
    for (int64_t j = 1; j < extent; ++j) {
      double a = x.number(base + j * inner), b = x.number(base + best * inner);
      if ((isMax ? a > b : a < b) || (last && a == b))
        best = j;
    }
    y.integers[line] = best;
  }
  return only(node.integer("keepdims", 1) ? std::move(y) : y.reshaped(dropped));
}

/// Products of a matrix with each matrix of a batch, the last two axes; the batches broadcast.
static Result matMul(const Node &, HostInputs inputs) {
  const HostTensor *right = input(inputs, 1);
  if (!right || right->element != inputs[0]->element || inputs[0]->rank() < 2 || right->rank() < 2)
    return std::nullopt;
  ArrayRef<int64_t> a = inputs[0]->shape, b = right->shape;
  auto batch = broadcast(a.drop_back(2), b.drop_back(2));
  int64_t m = a[a.size() - 2], k = a.back(), n = b.back();
  if (!batch || b[b.size() - 2] != k)
    return std::nullopt;
  SmallVector<int64_t> shape(*batch);
  shape.append({m, n});
  auto y = makeTensor(right->element, shape);
  if (!y || (k > 0 && y->size() > (int64_t(1) << 28) / k))
    return std::nullopt;
  std::vector<int64_t> first = broadcastPositions(a.drop_back(2), *batch),
                       second = broadcastPositions(b.drop_back(2), *batch);
  for (int64_t i = 0; i < y->size(); ++i) {
    int64_t matrix = i / (m * n), row = i / n % m, column = i % n;
    double sum = 0;
    int64_t whole = 0;
    for (int64_t j = 0; j < k; ++j) {
      int64_t p = (first[matrix] * m + row) * k + j, q = (second[matrix] * k + j) * n + column;
      if (y->isFloat())
        sum += inputs[0]->floats[p] * right->floats[q];
      else
        whole = wrapAdd(whole, wrapMul(inputs[0]->integers[p], right->integers[q]));
    }
    if (y->isFloat())
      y->floats[i] = rounded(y->element, sum);
    else
      store(*y, i, whole);
  }
  return only(std::move(*y));
}

/// Products of all elements with all, as rotary tables are made: "i,j->ij" or "bi,j->bij".
static Result einsum(const Node &node, HostInputs inputs) {
  std::string equation = node.text("equation", "");
  std::erase(equation, ' ');
  const HostTensor *y = input(inputs, 1);
  auto [operands, result] = llvm::StringRef(equation).split("->");
  auto [left, right] = operands.split(',');
  if (!y || inputs.size() != 2 || left.size() != size_t(inputs[0]->rank()) || right.size() != size_t(y->rank()) ||
      (left + right).str() != result || std::set<char>(result.begin(), result.end()).size() != result.size())
    return std::nullopt;
  SmallVector<int64_t> shape(inputs[0]->shape);
  shape.append(right.size(), 1);
  auto z = zip(inputs[0]->reshaped(shape), *y, y->element, Mul(), wrapMul);
  return z ? Result(only(std::move(*z))) : std::nullopt;
}

llvm::StringMap<Evaluator> nf::onnxfe::mathEvaluators() {
  llvm::StringMap<Evaluator> table;
  table["Cast"] = cast;
  table["CastLike"] = castLike;
  table["Add"] = arithmetic<Add{}, wrapAdd>;
  table["Sub"] = arithmetic<Sub{}, wrapSub>;
  table["Mul"] = arithmetic<Mul{}, wrapMul>;
  table["Div"] = arithmetic<Div{}, quotient>;
  table["Sum"] = arithmetic<Add{}, wrapAdd>;
  table["Max"] = arithmetic<Maximum{}, Maximum{}>;
  table["Min"] = arithmetic<Minimum{}, Minimum{}>;
  table["Pow"] = pow;
  table["Mod"] = mod;
  table["Equal"] = comparison<Equal{}, Equal{}>;
  table["Less"] = comparison<Less{}, Less{}>;
  table["Greater"] = comparison<Greater{}, Greater{}>;
  table["LessOrEqual"] = comparison<LessOrEqual{}, LessOrEqual{}>;
  table["GreaterOrEqual"] = comparison<GreaterOrEqual{}, GreaterOrEqual{}>;
  table["And"] = comparison<And{}, And{}>;
  table["Or"] = comparison<Or{}, Or{}>;
  table["Xor"] = comparison<Xor{}, Xor{}>;
  table["Not"] = test<[](double x) { return x == 0; }>;
  table["IsNaN"] = test<[](double x) { return std::isnan(x); }>;
  table["IsInf"] = isInf;
  table["Exp"] = floatMap<std::exp>;
  table["Log"] = floatMap<std::log>;
  table["Sin"] = floatMap<std::sin>;
  table["Cos"] = floatMap<std::cos>;
  table["Tan"] = floatMap<std::tan>;
  table["Tanh"] = floatMap<std::tanh>;
  table["Erf"] = floatMap<std::erf>;
  table["Sqrt"] = floatMap<std::sqrt>;
  table["Floor"] = floatMap<std::floor>;
  table["Ceil"] = floatMap<std::ceil>;
  table["Round"] = floatMap<std::nearbyint>;
  table["Reciprocal"] = floatMap<reciprocal>;
  table["Sigmoid"] = floatMap<sigmoid>;
  table["Neg"] = numberMap<Negative{}>;
  table["Abs"] = numberMap<Absolute{}>;
  table["Sign"] = numberMap<Sign{}>;
  table["Relu"] = numberMap<Rectified{}>;
  table["Clip"] = clip;
  table["Where"] = where;
  table["CumSum"] = cumSum;
  table["ReduceSum"] = reduce<Reduction::Sum>;
  table["ReduceMean"] = reduce<Reduction::Mean>;
  table["ReduceMax"] = reduce<Reduction::Max>;
  table["ReduceMin"] = reduce<Reduction::Min>;
  table["ReduceProd"] = reduce<Reduction::Product>;
  table["ArgMax"] = argBest<true>;
  table["ArgMin"] = argBest<false>;
  table["MatMul"] = matMul;
  table["Einsum"] = einsum;
  return table;
}
