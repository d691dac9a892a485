// Ops that move elements: result[i] = operand[source(i)].
#include "runtime/reference/Tables.h"

namespace nf::rt::reference {

/// The row-major position `i` of `shape` as one index an axis.
static Shape indicesOf(const Shape &shape, int64_t i) {
  Shape indices(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    indices[axis] = i % shape[axis];
    i /= shape[axis];
  }
  return indices;
}

static int64_t positionOf(const Shape &shape, const Shape &indices) {
  int64_t position = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    position = position * shape[axis] + indices[axis];
  return position;
}

/// to[i] = from[j].
template <typename T> static void copyElement(const Tensor<T> &from, int64_t j, Tensor<T> &to, int64_t i) {
  if (to.isFloat())
    to.floats[i] = from.floats[j];
  else
    to.integers[i] = from.integers[j];
}

template <typename T> static void reshape(Call<T> &call) {
  for (int64_t i = 0; i < call.out().size(); ++i)
    copyElement(call.in(0), i, call.out(), i);
}

template <typename T> static void broadcast(Call<T> &call) {
  const Tensor<T> &x = call.in(0);
  Tensor<T> &y = call.out();
  for (int64_t i = 0; i < y.size(); ++i)
    copyElement(x, broadcastPosition(x.shape, y.shape, i), y, i);
}

template <typename T> static void transpose(Call<T> &call) {
  const Tensor<T> &x = call.in(0);
  Tensor<T> &y = call.out();
  const Shape &permutation = call.attributes.list("permutation");
  for (int64_t i = 0; i < y.size(); ++i) {
    Shape to = indicesOf(y.shape, i), from(to.size());
    for (size_t axis = 0; axis < to.size(); ++axis)
      from[permutation[axis]] = to[axis];
    copyElement(x, positionOf(x.shape, from), y, i);
  }
}

template <typename T> static void slice(Call<T> &call) {
  const Tensor<T> &x = call.in(0);
  Tensor<T> &y = call.out();
  for (int64_t i = 0; i < y.size(); ++i) {
    Shape indices = indicesOf(y.shape, i);
    indices[call.attributes.integer("axis")] += call.attributes.integer("from");
    copyElement(x, positionOf(x.shape, indices), y, i);
  }
}

template <typename T> static void pad(Call<T> &call) {
  const Tensor<T> &x = call.in(0);
  Tensor<T> &y = call.out();
  for (int64_t i = 0; i < x.size(); ++i) {
    Shape indices = indicesOf(x.shape, i);
    indices[call.attributes.integer("axis")] += call.attributes.integer("low");
    copyElement(x, i, y, positionOf(y.shape, indices));
  }
}

template <typename T> static void concat(Call<T> &call) {
  Tensor<T> &y = call.out();
  int64_t axis = call.attributes.integer("axis"), from = 0;
  for (const Tensor<T> *part : call.operands) {
    for (int64_t i = 0; i < part->size(); ++i) {
      Shape indices = indicesOf(part->shape, i);
      indices[axis] += from;
      copyElement(*part, i, y, positionOf(y.shape, indices));
    }
    from += part->shape[axis];
  }
}

/// table [entries, columns], indices [...] -> [..., columns].
template <typename T> static void gather(Call<T> &call) {
  const Tensor<T> &table = call.in(0), &indices = call.in(1);
  Tensor<T> &y = call.out();
  for (int64_t row = 0; row < indices.size(); ++row)
    for (int64_t j = 0; j < y.columns(); ++j)
      copyElement(table, indices.integers[row] * y.columns() + j, y, row * y.columns() + j);
}

/// rows [..., columns], indices [...] -> [entries, columns].
template <typename T> static void scatterAdd(Call<T> &call) {
  const Tensor<T> &rows = call.in(0), &indices = call.in(1);
  Tensor<T> &y = call.out();
  for (int64_t row = 0; row < indices.size(); ++row)
    for (int64_t j = 0; j < y.columns(); ++j)
      y.at(indices.integers[row], j) += rows.at(row, j);
}

template <typename T> void addMovement(KernelTable<T> &table) {
  table["nf.reshape"] = reshape<T>;
  table["nf.broadcast"] = broadcast<T>;
  table["nf.transpose"] = transpose<T>;
  table["nf.slice"] = slice<T>;
  table["nf.pad"] = pad<T>;
  table["nf.concat"] = concat<T>;
  table["nf.gather"] = gather<T>;
  table["nf.embedding"] = gather<T>;
  table["nf.scatter_add"] = scatterAdd<T>;
}

NF_REFERENCE_TABLE(addMovement)

} // namespace nf::rt::reference
