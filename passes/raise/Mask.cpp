#include "passes/raise/Mask.h"

#include <random>

using namespace mlir;
using namespace nf;

namespace {
enum class Role { Padding, HidingPadding, Segments };

/// A guess of what a mask is: causal or not, and a role a leaf.
struct Guess {
  bool causal;
  SmallVector<Role> roles;
};

/// The elements of a mask as shown or hidden, by [batch, head, query, key].
class Shown {
public:
  Shown(const DenseValues::Elements &values, MaskElements elements, RankedTensorType mask, RankedTensorType scores,
        ScoreShape s)
      : values(values), elements(elements), s(s) {
    // Leading axes of the scores are batch and heads, or one axis of both.
    int64_t rank = scores.getRank(), lead = rank - mask.getRank(), stride = 1;
    strides.assign(4, 0);
    for (int64_t i = mask.getRank() - 1; i >= 0; --i) {
      int64_t axis = i + lead;
      if (mask.getDimSize(i) != 1)
        addStride(axis, rank, stride);
      stride *= mask.getDimSize(i);
    }
  }

  /// Whether element (b, h, i, j) is shown; nothing where it is neither.
  std::optional<bool> at(int64_t b, int64_t h, int64_t i, int64_t j) const {
    double value = values[b * strides[0] + h * strides[1] + i * strides[2] + j * strides[3]];
    if (elements == MaskElements::Shows)
      return value != 0;
    if (elements == MaskElements::Hides)
      return value == 0;
    if (value == 0)
      return true;
    if (value <= -1e4)
      return false;
    return std::nullopt;
  }

  int64_t batches() const { return strides[0] ? s.batch : 1; }
  int64_t heads() const { return strides[1] ? s.heads : 1; }

private:
  void addStride(int64_t axis, int64_t rank, int64_t stride) {
    int64_t fromEnd = rank - 1 - axis;
    if (fromEnd < 2) {
      strides[3 - fromEnd] = stride;
    } else if (rank == 4) {
      strides[axis] = stride;
    } else {
      strides[1] = stride;
      strides[0] = stride * s.heads;
    }
  }

  const DenseValues::Elements &values;
  MaskElements elements;
  ScoreShape s;
  SmallVector<int64_t> strides;
};
} // namespace

/// Whether `guess` shows key j of batch entry b to query i.
static bool shows(const Guess &guess, ArrayRef<DenseValues::Elements> leaves, ScoreShape s, int64_t b, int64_t i,
                  int64_t j) {
  if (guess.causal && j > i)
    return false;
  for (auto [role, leaf] : llvm::zip_equal(guess.roles, leaves)) {
    double key = leaf[b * s.keys + j];
    if (role == Role::Padding && key == 0)
      return false;
    if (role == Role::HidingPadding && key != 0)
      return false;
    if (role == Role::Segments && key != leaf[b * s.keys + s.keys - s.queries + i])
      return false;
  }
  return true;
}

/// Whether every row in which a key is seen is as `guess` says.
static bool fits(const Guess &guess, const Shown &shown, ArrayRef<DenseValues::Elements> leaves, ScoreShape s) {
  int64_t batches = leaves.empty() ? shown.batches() : s.batch;
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t h = 0; h < shown.heads(); ++h)
      for (int64_t i = 0; i < s.queries; ++i) {
        bool sees = false, same = true;
        for (int64_t j = 0; j < s.keys && (same || !sees); ++j) {
          bool expected = shows(guess, leaves, s, b, i, j);
          sees |= expected;
          same = same && shown.at(b, h, i, j) == expected;
        }
        if (sees && !same)
          return false;
      }
  return true;
}

/// Elements of a leaf for one trial: of padding 0 and others, so that a comparison with any number but 0 shows; of
/// segments some numbers in ascending order.
static DenseValues::Elements draw(Value leaf, Role role, int64_t batch, int64_t keys, std::mt19937 &random) {
  static constexpr double floats[] = {1, 0.25, 2, -1}, integers[] = {1, 2, 3, -1};
  Type element = tensorType(leaf).getElementType();
  auto other = [&] { return element.isInteger(1) ? 1.0 : (isa<FloatType>(element) ? floats : integers)[random() % 4]; };
  DenseValues::Elements elements(batch * keys);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t j = 0, segment = 0; j < keys; ++j) {
      segment += j > 0 && random() % 3 == 0;
      elements[b * keys + j] = role == Role::Segments ? static_cast<double>(segment) : random() % 2 ? other() : 0.0;
    }
  return elements;
}

/// Every guess for these leaves. Segments are i32, so that floats and conditions are padding.
static SmallVector<Guess> guesses(ArrayRef<Value> leaves, bool mayBeCausal) {
  SmallVector<Guess> all{{false, {}}};
  if (mayBeCausal)
    all.push_back({true, {}});
  for (Value leaf : leaves) {
    SmallVector<Guess> longer;
    SmallVector<Role> roles{Role::Padding, Role::HidingPadding};
    if (tensorType(leaf).getElementType().isInteger(32))
      roles.push_back(Role::Segments);
    for (const Guess &guess : all)
      for (Role role : roles) {
        longer.push_back(guess);
        longer.back().roles.push_back(role);
      }
    all = longer;
  }
  return all;
}

/// Whether the mask is `guess` for several drawn leaves.
static bool isGuess(const Guess &guess, Value value, MaskElements elements, ArrayRef<Value> leaves,
                    RankedTensorType scores, ScoreShape s) {
  std::mt19937 random(1);
  for (int trial = 0; trial < (leaves.empty() ? 1 : 3); ++trial) {
    DenseValues dense;
    SmallVector<DenseValues::Elements> drawn;
    for (auto [leaf, role] : llvm::zip_equal(leaves, guess.roles)) {
      drawn.push_back(draw(leaf, role, s.batch, s.keys, random));
      dense.set(leaf, drawn.back());
    }
    const DenseValues::Elements *values = dense.of(value);
    if (!values || !fits(guess, Shown(*values, elements, tensorType(value), scores, s), drawn, s))
      return false;
  }
  return true;
}

/// The mask that `value` is, or nothing.
static std::optional<Mask> recognise(Value value, MaskElements elements, RankedTensorType scores, ScoreShape s) {
  auto leaves = DenseValues::leavesOf(value, 2);
  if (!leaves)
    return std::nullopt;
  for (Value leaf : *leaves)
    if (tensorType(leaf).getNumElements() != s.batch * s.keys)
      return std::nullopt;
  for (const Guess &guess : guesses(*leaves, s.queries == s.keys)) {
    if (!isGuess(guess, value, elements, *leaves, scores, s))
      continue;
    Mask mask;
    mask.causal = guess.causal;
    for (auto [role, leaf] : llvm::zip_equal(guess.roles, *leaves)) {
      Value &slot = role == Role::Segments ? mask.segments : mask.padding;
      if (slot)
        return std::nullopt;
      slot = leaf;
      mask.paddingHides |= role == Role::HidingPadding;
    }
    return mask;
  }
  return std::nullopt;
}

/// How `value` is computed from its leaves, as text: equal for equal masks of several layers. Written down to `budget`
/// ops.
static std::string recipeOf(Value value, int &budget) {
  Operation *op = value.getDefiningOp();
  std::string text = std::to_string(reinterpret_cast<uintptr_t>(value.getType().getAsOpaquePointer()));
  if (!op || --budget < 0 || !DenseValues::isComputable(op) || op->getNumResults() != 1)
    return text + "@" + std::to_string(reinterpret_cast<uintptr_t>(value.getAsOpaquePointer()));
  text += op->getName().getStringRef().str() +
          std::to_string(reinterpret_cast<uintptr_t>(op->getAttrDictionary().getAsOpaquePointer())) + "(";
  for (Value operand : op->getOperands())
    text += recipeOf(operand, budget) + ",";
  return text + ")";
}

std::optional<Mask> MaskReader::read(Value value, MaskElements elements, RankedTensorType scores, ScoreShape shape) {
  int budget = 256;
  auto [entry, isNew] = known.try_emplace({recipeOf(value, budget), elements, shape});
  if (isNew)
    entry->second = recognise(value, elements, scores, shape);
  return entry->second;
}
