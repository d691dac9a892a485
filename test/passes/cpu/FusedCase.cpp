#include "FusedCase.h"

#include <algorithm>
#include <functional>
#include <sstream>

using namespace nf::test;

enum Kind { RowCol = 0, Row = 1, Col = 2, Scalar = 3, Gather = 4, ColSum = 5 };

namespace {
/// A value of the body: `columns` is the extent of its type.
struct Value {
  std::string name, element;
  int64_t columns;
  double bound;
};

class Generator {
public:
  explicit Generator(uint64_t seed) : random(seed) {}

  FusedCase run() {
    static constexpr int64_t widths[] = {1, 2, 3, 5, 7, 8, 15, 16, 17, 33, 64, 65, 100, 127, 128, 200, 768, 4096};
    c.cols = widths[below(std::size(widths))];
    c.rows = c.cols >= 768 ? 1 + below(5) : 1 + below(40);
    if (below(8) == 0)
      c.rows = 1;
    if (below(12) == 0 && c.cols < 8)
      c.rows = 4096;
    addInputs();
    int64_t operations = 2 + below(11);
    for (int64_t i = 0; i < operations; ++i)
      addOperation();
    addResults();
    return c;
  }

private:
  int64_t below(int64_t n) { return random() % n; }
  bool chance(int64_t percent) { return below(100) < percent; }

  static std::string tensor(int64_t columns, const std::string &element) {
    return "tensor<" + std::to_string(columns) + "x" + element + ">";
  }
  std::string typeOf(const Value &v) { return tensor(v.columns, v.element); }

  /// Appends "%n = nf.<text>" and returns its value.
  Value emit(const std::string &text, const std::string &element, int64_t columns, double bound) {
    Value v{"%v" + std::to_string(counter++), element, columns, bound};
    lines << "    " << v.name << " = nf." << text << "\n";
    return v;
  }
  Value apply(const std::string &op, std::vector<Value> operands, double bound, std::string element = "f32") {
    std::string names, types;
    int64_t columns = 1;
    for (const Value &v : operands) {
      names += (names.empty() ? "" : ", ") + v.name;
      types += (types.empty() ? "" : ", ") + typeOf(v);
      columns = std::max(columns, v.columns);
    }
    return emit(op + " " + names + " : (" + types + ") -> " + tensor(columns, element), element, columns, bound);
  }
  Value constant(double value, const std::string &element = "f32") {
    std::ostringstream text;
    text << std::scientific << value;
    std::string literal = element == "i32" ? std::to_string(static_cast<int64_t>(value)) : text.str();
    return emit("constant dense<" + literal + "> : " + tensor(1, element), element, 1, std::abs(value));
  }

  //===----------------------------------------------------------------------------------------===//
  // Operands
  //===----------------------------------------------------------------------------------------===//

  int64_t place(Buffer &buffer) {
    int64_t size = buffer.element == "i64" ? 8 : buffer.element == "bf16" ? 2 : buffer.element == "i1" ? 1 : 4;
    buffer.offset = c.bytes;
    c.bytes += (buffer.count * size + 63) / 64 * 64;
    return buffer.offset;
  }

  /// Adds an operand and returns the body's argument.
  Value addInput(Kind kind, const std::string &element, int64_t limit = 0, int64_t gather = -1, int64_t entries = 0) {
    Buffer buffer;
    buffer.element = element;
    buffer.kind = kind;
    buffer.limit = limit;
    buffer.count = kind == RowCol   ? c.rows * c.cols
                   : kind == Row    ? c.rows
                   : kind == Col    ? c.cols
                   : kind == Gather ? entries * c.cols
                                    : 1;
    place(buffer);
    Value v{"%a" + std::to_string(c.inputs.size()), element, kind == Row || kind == Scalar ? 1 : c.cols,
            limit > 0 ? double(limit) : 2.0};
    c.inputs.push_back(buffer);
    c.gatherIndex.push_back(gather);
    arguments.push_back(v);
    return v;
  }

  void addFloat(Kind kind, int64_t gather = -1, int64_t entries = 0) {
    bool half = chance(20);
    Value v = addInput(kind, half ? "bf16" : "f32", 0, gather, entries);
    if (half)
      v = apply("cast", {v}, v.bound);
    floats.push_back(v);
  }

  void addInputs() {
    addFloat(RowCol);
    for (Kind kind : {RowCol, RowCol, Row, Col, Scalar})
      if (chance(40))
        addFloat(kind);
    if (chance(25)) {
      addInput(Row, "i32", 5);
      addFloat(Gather, c.inputs.size() - 1, 5);
    }
    if (chance(20))
      masks.push_back(addInput(chance(50) ? RowCol : Row, "i1", 2));
    if (chance(25)) {
      Value seed = addInput(Scalar, "i64", int64_t(1) << 40), step = addInput(Scalar, "i32", 1000),
            offset = addInput(Scalar, "i32", 50);
      Value bits =
          emit("random_bits " + seed.name + ", " + step.name + ", " + offset.name +
                   " {site = 3 : i32, rows_per_sample = " + std::to_string(c.rows) + " : i64} : (" + typeOf(seed) +
                   ", " + typeOf(step) + ", " + typeOf(offset) + ") -> " + tensor(c.cols, "i32"),
               "i32", c.cols, 0);
      Value half = constant(1 << 30, "i32");
      masks.push_back(apply("compare ge", {bits, half}, 1, "i1"));
    }
    if (chance(20)) {
      Value index = emit("iota : " + tensor(c.cols, "i32"), "i32", c.cols, c.cols);
      Value middle = constant(c.cols / 2, "i32");
      masks.push_back(apply("compare lt", {index, middle}, 1, "i1"));
    }
  }

  //===----------------------------------------------------------------------------------------===//
  // Operations
  //===----------------------------------------------------------------------------------------===//

  Value pick() { return floats[chance(50) ? floats.size() - 1 : below(floats.size())]; }
  /// x² + 1 with a bound that keeps quotients and logarithms away from trouble.
  Value positive(Value x) {
    return apply("add", {apply("mul", {x, x}, x.bound * x.bound), constant(1)}, x.bound * x.bound + 1);
  }
  Value small(Value x) { return x.bound <= 4 ? x : apply("tanh", {x}, 1); }

  void addOperation() {
    Value x = pick();
    switch (below(15)) {
    case 0:
      return floats.push_back(apply("neg", {x}, x.bound));
    case 1:
      return floats.push_back(apply("exp", {small(x)}, 55));
    case 2: {
      Value p = positive(small(x));
      return floats.push_back(apply("log", {p}, 3));
    }
    case 3:
      return floats.push_back(apply("tanh", {x}, 1));
    case 4:
      return floats.push_back(apply("erf", {x}, 1));
    case 5:
      return floats.push_back(apply(chance(50) ? "sqrt" : "rsqrt", {positive(small(x))}, 5));
    case 6:
    case 7: {
      Value y = pick();
      return floats.push_back(apply(chance(50) ? "add" : "sub", {x, y}, x.bound + y.bound));
    }
    case 8: {
      Value y = small(pick()), z = small(x);
      return floats.push_back(apply("mul", {z, y}, z.bound * y.bound));
    }
    case 9: {
      Value y = positive(small(pick()));
      return floats.push_back(apply("div", {x, y}, x.bound));
    }
    case 10: {
      Value y = pick();
      return floats.push_back(apply("max", {x, y}, std::max(x.bound, y.bound)));
    }
    case 11:
      if (!masks.empty()) {
        Value y = pick(), mask = masks[below(masks.size())];
        floats.push_back(apply("where", {mask, x, y}, std::max(x.bound, y.bound)));
      }
      return;
    default:
      return addReduction(x);
    }
  }

  void addReduction(Value x) {
    if (x.columns != c.cols)
      return;
    static const char *names[] = {"reduce_sum", "reduce_mean", "reduce_max"};
    int64_t which = below(3);
    double bound = which == 0 ? x.bound * c.cols : x.bound;
    Value sum =
        emit(std::string(names[which]) + " " + x.name + " axes [0] : (" + typeOf(x) + ") -> " + tensor(1, "f32"), "f32",
             1, bound);
    if (which == 0)
      sum = apply("mul", {sum, constant(1.0 / c.cols)}, x.bound);
    floats.push_back(sum);
    // A value of the row that the next operations like to meet again.
    floats.push_back(apply("sub", {x, sum}, x.bound + bound / (which == 0 ? c.cols : 1)));
  }

  //===----------------------------------------------------------------------------------------===//
  // Results
  //===----------------------------------------------------------------------------------------===//

  /// A result, in the place of an operand of its type where that is drawn.
  void addResult(Kind kind, Value v) {
    Buffer buffer;
    buffer.kind = kind;
    buffer.element = v.element;
    buffer.bound = v.bound;
    buffer.sum = kind == ColSum;
    buffer.count = kind == RowCol ? c.rows * c.cols : kind == Row ? c.rows : c.groups * c.cols;
    if (kind == ColSum)
      buffer.bound *= c.rows;
    bool inPlace = false;
    if (kind != ColSum && chance(50))
      for (Buffer &input : c.inputs)
        if (!inPlace && input.kind == kind && input.element == buffer.element && !isTaken(input.offset)) {
          buffer.offset = input.offset;
          inPlace = true;
        }
    if (!inPlace)
      place(buffer);
    c.outs.push_back(buffer);
    yields += (yields.empty() ? "" : ", ") + v.name;
    yieldTypes += (yieldTypes.empty() ? "" : ", ") + typeOf(v);
  }

  bool isTaken(int64_t offset) {
    return std::any_of(c.outs.begin(), c.outs.end(), [&](const Buffer &out) { return out.offset == offset; });
  }

  /// `v` with one value a column.
  Value widen(Value v) {
    if (v.columns == c.cols)
      return v;
    return emit("broadcast " + v.name + " : (" + typeOf(v) + ") -> " + tensor(c.cols, v.element), v.element, c.cols,
                v.bound);
  }

  void addResults() {
    bool sums = chance(40);
    if (sums && chance(50))
      c.groups = 1 + below(std::min<int64_t>(c.rows, 5));
    int64_t count = 1 + below(3);
    for (int64_t i = 0; i < count; ++i) {
      Value v = i == 0 ? floats.back() : pick();
      if (v.columns != c.cols && chance(60))
        addResult(Row, v);
      else if (sums && i + 1 == count)
        addResult(ColSum, widen(v));
      else
        addResult(RowCol, chance(20) ? apply("cast", {widen(v)}, v.bound, "bf16") : widen(v));
    }
    if (!masks.empty() && chance(20))
      addResult(RowCol, widen(masks.back()));
    bool hasSum = std::any_of(c.outs.begin(), c.outs.end(), [](const Buffer &out) { return out.sum; });
    if (!hasSum)
      c.groups = 1;
    c.always = hasSum && chance(20);
    c.hasFlag = hasSum && !c.always && chance(50);
    std::string blockArguments;
    for (const Value &v : arguments)
      blockArguments += (blockArguments.empty() ? "" : ", ") + v.name + ": " + typeOf(v);
    if (c.hasFlag) {
      // The flag is an operand of the op, not of the body.
      Buffer flag;
      flag.element = "i32";
      flag.kind = Scalar;
      flag.count = 1;
      flag.limit = 2;
      place(flag);
      c.inputs.push_back(flag);
    }
    c.body =
        "{\n  ^bb0(" + blockArguments + "):\n" + lines.str() + "    nf.yield " + yields + " : " + yieldTypes + "\n  }";
  }

  std::mt19937_64 random;
  FusedCase c;
  std::ostringstream lines;
  std::vector<Value> floats, masks, arguments;
  std::string yields, yieldTypes;
  int64_t counter = 0;
};
} // namespace

FusedCase nf::test::randomCase(uint64_t seed) { return Generator(seed).run(); }

static std::string join(size_t count, const std::function<std::string(size_t)> &item) {
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text += (i ? ", " : "") + item(i);
  return text;
}

/// "rows … (operands) … : types -> results", the part that both forms share but for what `type` calls a buffer.
static std::string opText(const FusedCase &c, const std::string &shape, bool isBuffer) {
  size_t operands = c.gatherIndex.size();
  auto type = [&](const Buffer &b) { return shape + "<" + std::to_string(b.count) + "x" + b.element + ">"; };
  std::ostringstream text;
  text << "nf.fused rows " << c.rows << " cols " << c.cols;
  if (c.groups > 1)
    text << " groups " << c.groups;
  text << " (" << join(operands, [](size_t i) { return "%in" + std::to_string(i); }) << ")";
  if (isBuffer && c.hasFlag)
    text << " accumulate %in" << operands;
  if (isBuffer)
    text << " outs(" << join(c.outs.size(), [](size_t i) { return "%out" + std::to_string(i); }) << ")";
  text << " {operand_kinds = array<i32: " << join(operands, [&](size_t i) { return std::to_string(c.inputs[i].kind); })
       << ">, result_kinds = array<i32: "
       << join(c.outs.size(), [&](size_t i) { return std::to_string(c.outs[i].kind); })
       << ">, gather_index = array<i64: " << join(operands, [&](size_t i) { return std::to_string(c.gatherIndex[i]); })
       << ">" << (isBuffer && c.always ? ", always_accumulate" : "") << "} : (";
  std::string types = join(operands, [&](size_t i) { return type(c.inputs[i]); });
  if (isBuffer && c.hasFlag)
    types += ", " + type(c.inputs[operands]);
  std::string results = join(c.outs.size(), [&](size_t i) { return type(c.outs[i]); });
  text << types << (isBuffer ? ", " + results + ") -> () " : ") -> (" + results + ") ") << c.body << "\n";
  return text.str();
}

std::string FusedCase::tensorForm() const {
  auto type = [](const Buffer &b) { return "tensor<" + std::to_string(b.count) + "x" + b.element + ">"; };
  auto named = [](const char *prefix, size_t i) {
    return " {nf.name = \"" + std::string(prefix) + std::to_string(i) + "\"}";
  };
  std::ostringstream text;
  text << "nf.program @p("
       << join(inputs.size(),
               [&](size_t i) { return "%in" + std::to_string(i) + ": " + type(inputs[i]) + named("in", i); })
       << ") -> (" << join(outs.size(), [&](size_t i) { return type(outs[i]) + named("out", i); })
       << ") {\n  %r:" << outs.size() << " = " << opText(*this, "tensor", false) << "  nf.return "
       << join(outs.size(), [](size_t i) { return "%r#" + std::to_string(i); }) << " : "
       << join(outs.size(), [&](size_t i) { return type(outs[i]); }) << "\n}\n";
  return text.str();
}

std::string FusedCase::bufferForm() const {
  std::ostringstream text;
  text << "nf.program @p() {\n";
  auto declare = [&](const char *prefix, const std::vector<Buffer> &buffers) {
    for (size_t i = 0; i < buffers.size(); ++i)
      text << "  %" << prefix << i << " = nf.buffer transient " << buffers[i].offset << " : memref<" << buffers[i].count
           << "x" << buffers[i].element << ">\n";
  };
  declare("in", inputs);
  declare("out", outs);
  text << "  " << opText(*this, "memref", true) << "  nf.return\n}\n";
  return text.str();
}
