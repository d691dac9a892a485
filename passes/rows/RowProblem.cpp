//===- RowProblem.cpp - an nf.fused op as the kernel generator sees it -----------------------===//
#include "passes/rows/RowProblem.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace nf;

/// Whether two buffers start at the same byte of the same segment.
static bool isSameBuffer(Value a, Value b) {
  if (a == b)
    return true;
  auto x = a.getDefiningOp<BufferOp>(), y = b.getDefiningOp<BufferOp>();
  return x && y && x.getSegment() == y.getSegment() && x.getOffset() == y.getOffset();
}

static MemRefType typeOfArgument(const RowProblem &problem, RowKind kind, MemRefType buffer) {
  switch (kind) {
  case RowKind::RowCol:
    return MemRefType::get({problem.rows, problem.cols}, buffer.getElementType());
  case RowKind::Row:
    return MemRefType::get({problem.rows}, buffer.getElementType());
  case RowKind::Col:
    return MemRefType::get({problem.cols}, buffer.getElementType());
  case RowKind::Scalar:
    return MemRefType::get({1}, buffer.getElementType());
  case RowKind::Gather:
    return MemRefType::get({buffer.getNumElements() / problem.cols, problem.cols}, buffer.getElementType());
  case RowKind::ColSum:
    return MemRefType::get({problem.groups, problem.cols}, buffer.getElementType());
  }
  return buffer;
}

/// Whether the place of an element matters: all kinds but rowcol and scalar, and the ops that know rows or columns.
static bool isFlat(const RowProblem &problem) {
  for (RowKind kind : problem.inputKinds)
    if (kind != RowKind::RowCol && kind != RowKind::Scalar)
      return false;
  for (RowKind kind : problem.resultKinds)
    if (kind != RowKind::RowCol)
      return false;
  return llvm::none_of(problem.op.getBodyBlock()->without_terminator(), [](Operation &op) {
    return isa<RandomBitsOp, IotaOp>(op) || cast<RowWiseOpInterface>(op).getRowRole() == RowRole::RowReduction;
  });
}

/// With one column there are rows and scalars only.
static RowKind kindOfOneColumn(RowKind kind) {
  if (kind == RowKind::Row)
    return RowKind::RowCol;
  return kind == RowKind::Col ? RowKind::Scalar : kind;
}

/// Whether rows can become the columns: nothing asks for a row's number, and groups are of one length.
static bool canTurn(FusedOp op) {
  bool usesRow =
      llvm::any_of(op.getBodyBlock()->without_terminator(), [](Operation &o) { return isa<RandomBitsOp>(o); });
  bool gathers = llvm::is_contained(op.getOperandKinds(), static_cast<int32_t>(RowKind::Gather));
  return !usesRow && !gathers && op.getRows() % op.getGroups() == 0;
}

/// Chooses rows, columns and kinds.
static void turn(RowProblem &problem) {
  FusedOp op = problem.op;
  bool oneColumn = op.getCols() == 1;
  for (unsigned i = 0; i < op.getInputs().size(); ++i)
    problem.inputKinds.push_back(oneColumn ? kindOfOneColumn(op.getOperandKind(i)) : op.getOperandKind(i));
  for (unsigned i = 0; i < op.getOuts().size(); ++i)
    problem.resultKinds.push_back(oneColumn ? kindOfOneColumn(op.getResultKind(i)) : op.getResultKind(i));
  problem.rows = op.getRows();
  problem.cols = op.getCols();
  problem.groups = op.getGroups();
  if (oneColumn && canTurn(op)) {
    problem.rowsAreColumns = true;
    problem.rows = problem.groups;
    problem.cols = op.getRows() / problem.groups;
    for (RowKind &kind : problem.resultKinds)
      kind = kind == RowKind::ColSum ? RowKind::Row : kind;
  }
  if (isFlat(problem)) {
    problem.cols *= problem.rows;
    problem.rows = problem.groups = 1;
  }
}

namespace {
/// Maps buffers to arguments.
class Arguments {
public:
  explicit Arguments(RowProblem &problem) : problem(problem) {}

  unsigned add(Value buffer, RowKind kind, bool isWritten) {
    MemRefType type = typeOfArgument(problem, kind, cast<MemRefType>(buffer.getType()));
    for (auto [i, argument] : llvm::enumerate(problem.arguments))
      if (argument.type == type && isCompatible(argument.kind, kind) && isSameBuffer(argument.buffer, buffer)) {
        (isWritten ? argument.isWritten : argument.isRead) = true;
        return i;
      }
    problem.arguments.push_back({buffer, kind, type, !isWritten, isWritten});
    return problem.arguments.size() - 1;
  }

  /// Two arguments may be one buffer only where neither is written.
  LogicalResult verify() {
    for (RowArgument &written : problem.arguments)
      for (RowArgument &other : problem.arguments)
        if (written.isWritten && &written != &other && isSameBuffer(written.buffer, other.buffer))
          return problem.op.emitOpError()
                 << "expected a buffer that is operand and result to be rowcol or row in both, but got "
                 << written.buffer.getType() << " used in two ways";
    return success();
  }

private:
  /// An element of such a result is written after the same element of the operand was read.
  static bool isCompatible(RowKind a, RowKind b) { return a == b && a != RowKind::ColSum; }

  RowProblem &problem;
};
} // namespace

FailureOr<RowProblem> nf::describeRows(FusedOp op) {
  RowProblem problem{};
  problem.op = op;
  turn(problem);
  Arguments arguments(problem);
  for (auto [input, kind] : llvm::zip(op.getInputs(), problem.inputKinds))
    problem.inputs.push_back(arguments.add(input, kind, /*isWritten=*/false));
  if (op.getAccumulate() && !op.getAlwaysAccumulate())
    problem.accumulate = arguments.add(op.getAccumulate(), RowKind::Scalar, /*isWritten=*/false);
  for (auto [out, kind] : llvm::zip(op.getOuts(), problem.resultKinds))
    problem.outs.push_back(arguments.add(out, kind, /*isWritten=*/true));
  if (failed(arguments.verify()))
    return failure();
  for (auto random : op.getBodyBlock()->getOps<RandomBitsOp>())
    if (int32_t site = random.getSite(); !llvm::is_contained(problem.sites, site))
      problem.sites.push_back(site);
  return problem;
}

//===------------------------------------------------------------------------------------------===//
// The key of deduplication
//===------------------------------------------------------------------------------------------===//

/// The body with values numbered in order: names, locations, discardable attributes and sites are left out.
static void printBody(raw_ostream &os, const RowProblem &problem) {
  FusedOp op = problem.op;
  llvm::DenseMap<Value, unsigned> numbers;
  auto number = [&](Value value) { return numbers.try_emplace(value, numbers.size()).first->second; };
  for (Value argument : op.getBodyBlock()->getArguments())
    number(argument);
  for (Operation &inner : *op.getBodyBlock()) {
    os << inner.getName();
    for (Value operand : inner.getOperands())
      os << " %" << number(operand);
    if (auto random = dyn_cast<RandomBitsOp>(inner))
      os << " " << random.getRowsPerSample() << " s" << problem.argumentOfSite(random.getSite());
    else if (Attribute properties = inner.getPropertiesAsAttribute())
      os << " " << properties;
    for (Value result : inner.getResults())
      os << " %" << number(result) << ":" << result.getType();
    os << "\n";
  }
}

std::string RowProblem::getKey() const {
  std::string key;
  llvm::raw_string_ostream os(key);
  os << rows << "x" << cols << "/" << groups << (rowsAreColumns ? " turned" : "");
  os << (op.getAlwaysAccumulate() ? " always" : "") << "\n";
  for (const RowArgument &argument : arguments)
    os << static_cast<int>(argument.kind) << ":" << argument.type << " ";
  for (unsigned input : inputs)
    os << " i" << input;
  for (auto [i, out] : llvm::enumerate(outs))
    os << " o" << out << ":" << op.getResultKinds()[i];
  for (int64_t index : op.getGatherIndex())
    os << " g" << index;
  if (accumulate)
    os << " a" << *accumulate;
  os << "\n";
  printBody(os, *this);
  return key;
}

//===------------------------------------------------------------------------------------------===//
// The name of a kernel
//===------------------------------------------------------------------------------------------===//

/// The first name in a location: the parameter path of a layer, or none.
static StringRef nameOf(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (StringRef name = nameOf(part); !name.empty())
        return name;
  return {};
}

std::string nf::rowKernelName(FusedOp op, unsigned number) {
  std::string name = "fused";
  SmallVector<StringRef> parts;
  nameOf(op.getLoc()).split(parts, '.', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts)
    if (part != "layers" && !llvm::all_of(part, llvm::isDigit)) {
      name += '_';
      for (char c : part)
        name += llvm::isAlnum(c) ? c : '_';
    }
  return name + "_" + std::to_string(op.getRows()) + "x" + std::to_string(op.getCols()) + "_" + std::to_string(number);
}
