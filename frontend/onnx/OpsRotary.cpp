#include "frontend/onnx/Rotary.h"

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

//===------------------------------------------------------------------------------------------===//
// Tables
//===------------------------------------------------------------------------------------------===//

/// The positions of all tokens, [batch or 1, tokens], where they are known.
static std::optional<HostTensor> knownPositions(OpContext &op, size_t index, int64_t tokens) {
  const HostTensor *given = op.constant(index);
  bool isFirstOnly = given && !given->isFloat() && given->size() == 1 && given->rank() <= 1;
  if (op.hasInput(index) && !isFirstOnly)
    return given && !given->isFloat() ? std::optional(*given) : std::nullopt;
  HostTensor positions(Element::I64, {1, tokens});
  for (int64_t i = 0; i < tokens; ++i)
    positions.integers[i] = i + (given ? given->integers[0] : 0);
  return positions;
}

/// Rows of a known table by known numbers, or nothing where a number is none of a row.
static std::optional<HostTensor> rowsOf(const HostTensor &table, const HostTensor &numbers) {
  SmallVector<int64_t> shape(numbers.shape);
  int64_t columns = table.shape[1];
  shape.push_back(columns);
  HostTensor rows(table.element, shape);
  for (int64_t i = 0; i < numbers.size(); ++i) {
    auto row = normalizedAxis(numbers.integers[i], table.shape[0]);
    if (!row)
      return std::nullopt;
    for (int64_t j = 0; j < columns; ++j)
      rows.copy(i * columns + j, table, *row * columns + j);
  }
  return rows;
}

static Value pickRows(OpContext &op, size_t table, const RotaryTables &tables, int64_t tokens) {
  if (op.rank(table) != 2)
    return op.fail("expected tables of cosines and sines of rank 2, but got " + shapeText(op.shape(table)));
  const HostTensor *fixed = op.fixed(table);
  auto positions = knownPositions(op, tables.positions, tokens);
  if (fixed && positions) {
    auto rows = rowsOf(*fixed, *positions);
    return rows ? op.constantTensor(std::move(*rows), /*compact=*/true)
                : op.fail("expected positions below " + Twine(op.shape(table)[0]) + ", the rows of its tables");
  }
  Value numbers = positions ? op.constantTensor(std::move(*positions)) : op.value(tables.positions);
  return op.gather(fixed ? op.constantTensor(*fixed) : op.value(table), numbers);
}

RotaryAngles nf::onnxfe::rotaryAngles(OpContext &op, const RotaryTables &tables, int64_t batch, int64_t tokens) {
  auto angle = [&](size_t table) -> Value {
    Value rows;
    if (tables.picksRows)
      rows = pickRows(op, table, tables, tokens);
    else if (const HostTensor *fixed = op.fixed(table))
      rows = op.constantTensor(*fixed, /*compact=*/true);
    else
      rows = op.value(table);
    bool fits = rows && OpContext::isFloat(rows) && OpContext::rankOf(rows) == 3 &&
                llvm::is_contained({int64_t(1), batch}, OpContext::shapeOf(rows)[0]) &&
                llvm::is_contained({int64_t(1), tokens}, OpContext::shapeOf(rows)[1]);
    return fits ? rows : op.fail("expected cosines and sines for every token");
  };
  return {angle(tables.cos), angle(tables.sin)};
}

//===------------------------------------------------------------------------------------------===//
// Rotation
//===------------------------------------------------------------------------------------------===//

/// Both halves of pairs [.., half, 2], or of [.., 2 · half].
static Value part(OpContext &op, Value x, int64_t half, bool interleaved, int64_t which) {
  SmallVector<int64_t> shape(OpContext::shapeOf(x)), pairs(shape);
  if (!interleaved)
    return op.slice(x, 3, which * half, half);
  pairs[3] = shape[3] = half;
  pairs.push_back(2);
  return op.reshape(op.slice(op.reshape(x, pairs), 4, which, 1), shape);
}

static Value joinParts(OpContext &op, Value first, Value second, bool interleaved) {
  if (!first || !second || !interleaved)
    return op.concat({first, second}, 3);
  SmallVector<int64_t> shape(OpContext::shapeOf(first)), single(shape);
  single.push_back(1);
  shape[3] *= 2;
  return op.reshape(op.concat({op.reshape(first, single), op.reshape(second, single)}, 4), shape);
}

Value nf::onnxfe::rotate(OpContext &op, Value x, const RotaryAngles &angles, int64_t tokenAxis, bool interleaved) {
  if (!x || !angles.cos || !angles.sin)
    return nullptr;
  ArrayRef<int64_t> table = OpContext::shapeOf(angles.cos);
  int64_t half = table[2], width = OpContext::shapeOf(x)[3], rotated = 2 * half;
  if (OpContext::shapeOf(angles.sin)[2] != half || rotated > width)
    return op.fail("expected cosines and sines of at most half of a head's " + Twine(width) + " columns, but got " +
                   Twine(half));
  SmallVector<int64_t> aligned{table[0], 1, 1, half};
  aligned[tokenAxis] = table[1];
  Value cos = op.reshape(angles.cos, aligned), sin = op.reshape(angles.sin, aligned);
  Value turned = op.slice(x, 3, 0, rotated);
  Value a = part(op, turned, half, interleaved, 0), b = part(op, turned, half, interleaved, 1);
  Value real = op.sub(op.mul(cos, a), op.mul(sin, b)), imaginary = op.add(op.mul(sin, a), op.mul(cos, b));
  Value y = joinParts(op, real, imaginary, interleaved);
  return rotated == width ? y : op.concat({y, op.slice(x, 3, rotated, width - rotated)}, 3);
}

//===------------------------------------------------------------------------------------------===//
// Operators
//===------------------------------------------------------------------------------------------===//

/// `x` is [batch, heads, tokens, width], or [batch, tokens, heads · width].
static LogicalResult rotary(OpContext &op, const RotaryTables &tables) {
  if (!op.hasInput(0) || !op.hasInput(tables.cos) || !op.hasInput(tables.sin) || (op.rank(0) != 3 && op.rank(0) != 4))
    return op.refuse("expected an operand of rank 3 or 4 and tables of cosines and sines");
  if (op.node.integer("is_packed_batching", 0) || op.node.number("scale", 1) != 1)
    return op.refuse("it packs batches of different lengths, or scales", "is_packed_batching=0 and scale=1");
  bool isSplit = op.rank(0) == 4, interleaved = op.node.integer("interleaved", 0);
  int64_t given = op.node.integer("rotary_embedding_dim", 0), heads = op.node.integer("num_heads", 0);
  int64_t half = op.rank(tables.cos) > 0 ? op.shape(tables.cos).back() : 0;
  if (!isSplit && heads == 0 && half > 0)
    heads = op.shape(0)[2] / (2 * half); // com.microsoft's: heads are as wide as the tables say
  if (!isSplit && (heads <= 0 || op.shape(0)[2] % heads != 0))
    return op.refuse("expected num_heads that divide the " + Twine(op.shape(0)[2]) + " columns");
  if (given && given != 2 * half)
    return op.refuse("expected tables of half of rotary_embedding_dim=" + Twine(given) + " columns, but got " +
                     Twine(half));
  int64_t batch = op.shape(0)[0], tokens = op.shape(0)[isSplit ? 2 : 1];
  RotaryAngles angles = rotaryAngles(op, tables, batch, tokens);
  Value x = op.value(0);
  if (isSplit)
    return op.give(rotate(op, x, angles, /*tokenAxis=*/2, interleaved));
  Value split = op.reshape(x, {batch, tokens, heads, op.shape(0)[2] / heads});
  return op.give(op.reshape(rotate(op, split, angles, /*tokenAxis=*/1, interleaved), op.shape(0)));
}

static LogicalResult standardRotary(OpContext &op) {
  return rotary(op, {.cos = 1, .sin = 2, .positions = 3, .picksRows = op.hasInput(3)});
}
static LogicalResult microsoftRotary(OpContext &op) { return rotary(op, {.cos = 2, .sin = 3, .positions = 1}); }

void nf::onnxfe::addRotaryOps(OpTable &table) {
  table["RotaryEmbedding"] = standardRotary;
  table["com.microsoft.RotaryEmbedding"] = microsoftRotary;
}
