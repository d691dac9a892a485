// Elementwise primitives. Operands are broadcast to the result's shape.
#include "runtime/reference/Tables.h"

#include <algorithm>
#include <cmath>

namespace nf::rt::reference {

/// y = f(x).
template <typename T> static Kernel<T> unary(T (*f)(T)) {
  return [f](Call<T> &call) {
    for (int64_t i = 0; i < call.out().size(); ++i)
      call.out()[i] = f(call.in(0)[i]);
  };
}

/// z = f(x, y), for floats as for integers.
template <typename T, typename F> static Kernel<T> binary(F f) {
  return [f](Call<T> &call) {
    const Tensor<T> &x = call.in(0), &y = call.in(1);
    Tensor<T> &z = call.out();
    for (int64_t i = 0; i < z.size(); ++i) {
      int64_t a = broadcastPosition(x.shape, z.shape, i), b = broadcastPosition(y.shape, z.shape, i);
      if (z.isFloat())
        z.floats[i] = f(x.floats[a], y.floats[b]);
      else
        z.integers[i] = f(x.integers[a], y.integers[b]);
    }
  };
}

/// eq, ne, lt, le, gt, ge by number, as in NFPrimitiveOps.td.
template <typename V> static bool holds(int64_t predicate, V x, V y) {
  switch (predicate) {
  case 0:
    return x == y;
  case 1:
    return x != y;
  case 2:
    return x < y;
  case 3:
    return x <= y;
  case 4:
    return x > y;
  default:
    return x >= y;
  }
}

template <typename T> static void compare(Call<T> &call) {
  const Tensor<T> &x = call.in(0), &y = call.in(1);
  Tensor<T> &z = call.out();
  int64_t predicate = call.attributes.integer("predicate");
  for (int64_t i = 0; i < z.size(); ++i) {
    int64_t a = broadcastPosition(x.shape, z.shape, i), b = broadcastPosition(y.shape, z.shape, i);
    z.integers[i] =
        x.isFloat() ? holds(predicate, x.floats[a], y.floats[b]) : holds(predicate, x.integers[a], y.integers[b]);
  }
}

template <typename T> static void where(Call<T> &call) {
  const Tensor<T> &condition = call.in(0);
  Tensor<T> &z = call.out();
  for (int64_t i = 0; i < z.size(); ++i) {
    bool chosen = condition.integers[broadcastPosition(condition.shape, z.shape, i)] != 0;
    const Tensor<T> &from = call.in(chosen ? 1 : 2);
    int64_t position = broadcastPosition(from.shape, z.shape, i);
    if (z.isFloat())
      z.floats[i] = from.floats[position];
    else
      z.integers[i] = from.integers[position];
  }
}

/// By value; to bf16 only where attribute `round_to_bf16` is set, as T holds every float type.
template <typename T> static void cast(Call<T> &call) {
  const Tensor<T> &x = call.in(0);
  Tensor<T> &y = call.out();
  bool rounds = call.attributes.flag("round_to_bf16");
  for (int64_t i = 0; i < y.size(); ++i) {
    if (!y.isFloat()) {
      y.integers[i] = x.isFloat() ? static_cast<int64_t>(x.floats[i]) : x.integers[i];
      continue;
    }
    T value = x.isFloat() ? x.floats[i] : static_cast<T>(x.integers[i]);
    y.floats[i] = rounds ? static_cast<T>(roundToBf16(value)) : value;
  }
}

template <typename T> static void constant(Call<T> &call) {
  const Tensor<T> &value = call.in(0);
  Tensor<T> &y = call.out();
  for (int64_t i = 0; i < y.size(); ++i) {
    int64_t position = broadcastPosition(value.shape, y.shape, i);
    if (y.isFloat())
      y.floats[i] = value.floats[position];
    else
      y.integers[i] = value.integers[position];
  }
}

template <typename T> static void iota(Call<T> &call) {
  Tensor<T> &y = call.out();
  for (int64_t i = 0; i < y.size(); ++i) {
    if (y.isFloat())
      y.floats[i] = static_cast<T>(i % y.columns());
    else
      y.integers[i] = i % y.columns();
  }
}

template <typename T> void addElementwise(KernelTable<T> &table) {
  table["nf.neg"] = unary<T>([](T x) { return -x; });
  table["nf.exp"] = unary<T>([](T x) { return std::exp(x); });
  table["nf.log"] = unary<T>([](T x) { return std::log(x); });
  table["nf.tanh"] = unary<T>([](T x) { return std::tanh(x); });
  table["nf.erf"] = unary<T>([](T x) { return std::erf(x); });
  table["nf.sqrt"] = unary<T>([](T x) { return std::sqrt(x); });
  table["nf.rsqrt"] = unary<T>([](T x) { return 1 / std::sqrt(x); });
  table["nf.add"] = binary<T>([](auto x, auto y) { return x + y; });
  table["nf.sub"] = binary<T>([](auto x, auto y) { return x - y; });
  table["nf.mul"] = binary<T>([](auto x, auto y) { return x * y; });
  table["nf.div"] = binary<T>([](auto x, auto y) { return x / y; });
  table["nf.pow"] = binary<T>([](auto x, auto y) { return std::pow(x, y); });
  table["nf.max"] = binary<T>([](auto x, auto y) { return x >= y || x != x ? x : y; }); // NaN where either is
  table["nf.compare"] = compare<T>;
  table["nf.where"] = where<T>;
  table["nf.cast"] = cast<T>;
  table["nf.constant"] = constant<T>;
  table["nf.iota"] = iota<T>;
}

NF_REFERENCE_TABLE(addElementwise)

} // namespace nf::rt::reference
