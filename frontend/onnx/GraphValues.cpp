// The forms of a value: known, a parameter, a constant in IR.
#include "frontend/onnx/ConstantBuilder.h"
#include "frontend/onnx/GraphImporter.h"
#include "frontend/onnx/TensorData.h"

#include "onnx.pb.h"

#include <cstring>
#include <nlohmann/json.hpp>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;

const HostTensor *GraphImporter::known(GraphValue &value) {
  if (value.host)
    return &*value.host;
  if (value.weight) {
    auto decoded = decodeTensor(*value.weight, file.files());
    if (!decoded) {
      llvm::consumeError(decoded.takeError());
      return nullptr;
    }
    value.host = std::move(*decoded);
    return &*value.host;
  }
  if (!value.producer)
    return nullptr;
  auto outputs = evaluateNow(*value.producer, value.operands, /*onDemand=*/true);
  if (!outputs || value.output >= outputs->size() || !(*outputs)[value.output]->host)
    return nullptr;
  value.host = std::move((*outputs)[value.output]->host);
  return &*value.host;
}

std::string GraphImporter::uniqueSymbol(StringRef name) {
  static constexpr StringLiteral programs[] = {"forward", "forward_backward", "update",
                                               "eval",    "logits",           "prepare_weights"};
  std::string symbol = name.empty() ? "unnamed" : name.str();
  while (llvm::is_contained(programs, symbol) || symbols.count(symbol))
    symbol += "_";
  symbols[symbol] = 1;
  return symbol;
}

Value GraphImporter::parameter(StringRef name, ArrayRef<int64_t> shape, StringRef inFile, bool trainable,
                               Location location) {
  Value &value = parameters[inFile.str()];
  if (value)
    return value;
  auto type = RankedTensorType::get(shape, b.getF32Type());
  std::string init = nlohmann::json{{"kind", "file"}, {"name", inFile.str()}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
  OpBuilder symbols(program);
  auto op = ParameterOp::create(symbols, location, uniqueSymbol(name), type, init, trainable);
  Block &block = program.getBody().front();
  OpBuilder gets(&block, lastGet ? std::next(Block::iterator(lastGet)) : block.begin());
  auto get = GetOp::create(gets, location, type, op.getSymName());
  lastGet = get;
  return value = get;
}

/// A constant that has no short form: a frozen parameter, whose values are written into the weights file.
Value GraphImporter::constantParameter(const HostTensor &tensor, ImplicitLocOpBuilder &b) {
  HostTensor compact = withoutRepetition(tensor);
  SmallVector<int64_t> shape(compact.shape);
  SmallVector<int64_t> stored{compact.size()}; // of any rank in IR, of at most 4 in memory
  if (shape.size() <= 4 && !shape.empty())
    stored = shape;
  HostTensor values = castTensor(compact, Element::F32)->reshaped(stored);
  auto same = llvm::find_if(constants, [&](auto &constant) {
    return constant.second.shape == values.shape && constant.second.floats == values.floats;
  });
  std::string name = same != constants.end()
                         ? same->first
                         : constants.emplace("constants." + std::to_string(constants.size()), values).first->first;
  Value value = parameter(name, stored, name, /*trainable=*/false, b.getLoc());
  if (ArrayRef<int64_t>(stored) != ArrayRef<int64_t>(shape))
    value = ReshapeOp::create(b, RankedTensorType::get(shape, b.getF32Type()), value);
  if (tensor.isFloat())
    return value;
  if (tensor.element == Element::Bool)
    return CompareOp::create(b, ComparePredicate::Ne, value, splat(b, b.getLoc(), b.getF32Type(), 0));
  return CastOp::create(b, RankedTensorType::get(shape, b.getI32Type()), value);
}

/// Whether `copy` [n, m] holds the elements of `table` [m, n] transposed, or with equal shapes the same ones.
static bool isCopy(ArrayRef<float> table, ArrayRef<float> copy, int64_t rows, int64_t columns, bool isTransposed) {
  if (!isTransposed)
    return std::memcmp(table.data(), copy.data(), table.size() * sizeof(float)) == 0;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      if (table[i * columns + j] != copy[j * rows + i])
        return false;
  return true;
}

/// The table of embeddings that an initializer is a copy of, or of its transpose: exporters store a tied projection
/// again.
Value GraphImporter::tiedTo(GraphValue &value, OpContext &op) {
  if (!options.retie || value.shape.size() != 2)
    return nullptr;
  for (const GraphValueRef &table : tables) {
    int64_t rows = table->shape[0], columns = table->shape[1];
    bool isSame = value.shape == table->shape, isTransposed = value.shape[0] == columns && value.shape[1] == rows;
    if (table->weight == value.weight || (!isSame && !isTransposed) || !table->value)
      continue;
    auto first = decodeFloats(*table->weight, file.files()), second = decodeFloats(*value.weight, file.files());
    if (!first || !second) {
      llvm::consumeError(first.takeError());
      llvm::consumeError(second.takeError());
      return nullptr;
    }
    if (isSame && isCopy(*first, *second, rows, columns, false))
      return table->value;
    if (isTransposed && isCopy(*first, *second, rows, columns, true))
      return op.transpose(table->value, {1, 0});
  }
  return nullptr;
}

/// Whether every integer is exact as an i32, and where `asFloat` as an f32.
static bool fitsIntegers(const HostTensor &tensor, bool asFloat) {
  int64_t bound = asFloat ? int64_t(1) << 24 : int64_t(INT32_MAX);
  return llvm::all_of(tensor.integers, [&](int64_t value) { return value >= -bound && value <= bound; });
}

/// A vector that an exporter gave axes of extent 1 is a vector, a table of which indices pick one row is a table: which
/// parameters decay follows from their rank.
static SmallVector<int64_t> storedShape(ArrayRef<int64_t> shape, bool isPicked) {
  if (isPicked && shape.size() == 2)
    return SmallVector<int64_t>(shape);
  SmallVector<int64_t> longer(llvm::make_filter_range(shape, [](int64_t extent) { return extent > 1; }));
  return longer.size() == 1 ? longer : SmallVector<int64_t>(shape);
}

Value GraphImporter::valueOf(GraphValue &value, ImplicitLocOpBuilder &b, OpContext &op, bool compact) {
  if (value.element == Element::F64 && !file.isHalf())
    return op.fail("expected float32, but got double; export the model in float32");
  if (!value.value && !value.compact) {
    if (value.weight && (value.value = tiedTo(value, op)))
      return value.value;
    if (value.weight) {
      Location location = NameLoc::get(b.getStringAttr(value.weight->name()), placeOf(&context, file.path()));
      const std::string &name = value.weight->name();
      Value stored =
          parameter(name, storedShape(value.shape, picked.count(name)), name, !file.isFrozen(name), location);
      value.value = op.reshape(stored, value.shape);
    } else if (const HostTensor *tensor = known(value)) {
      if (tensor->size() == 0)
        return op.fail("expected at least one element, but got a constant of shape " + shapeText(tensor->shape));
      if (!fitsIntegers(*tensor, false))
        return op.fail("expected integers of 32 bits, but got larger ones");
      isCausal |= isCausalMask(*tensor);
      value.compact = buildStructured(b, *tensor);
      if (!value.compact && !fitsIntegers(*tensor, true))
        return op.fail("expected integers of 24 bits, but got larger ones");
      if (!value.compact)
        value.compact = constantParameter(*tensor, b);
    } else {
      return op.fail("its operand is not known while the model is read");
    }
  }
  if (value.value)
    return value.value;
  if (compact)
    return value.compact;
  int64_t count = OpContext::type(value.compact).getNumElements();
  value.value = count == *elementCount(value.shape) ? op.reshape(value.compact, value.shape)
                                                    : op.broadcastTo(value.compact, value.shape);
  return value.value;
}
