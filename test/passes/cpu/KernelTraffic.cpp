#include "KernelTraffic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

#include <algorithm>
#include <list>
#include <optional>
#include <stdexcept>
#include <unordered_map>

using namespace mlir;

namespace nf::test {
namespace {

/// Lines of 64 bytes, the least recently used of which leaves first; of each, the bytes that were touched.
class Cache {
public:
  explicit Cache(int64_t bytes) : lines(bytes / 64) {}

  /// Touches one byte. Returns whether it was there already; where `bit` is 1, whether it was written already.
  bool touch(int64_t address, int bit) {
    int64_t line = address / 64;
    uint64_t mask = uint64_t(1) << (address % 64);
    auto found = places.find(line);
    if (found == places.end()) {
      order.push_front({line, {0, 0}});
      found = places.emplace(line, order.begin()).first;
      if (int64_t(order.size()) > lines) {
        places.erase(order.back().line);
        order.pop_back();
      }
    } else if (found->second != order.begin()) {
      order.splice(order.begin(), order, found->second);
    }
    uint64_t *masks = found->second->masks;
    bool known = masks[bit] & mask;
    masks[bit] |= mask;
    masks[0] |= mask; // what was written can be read
    return known;
  }

private:
  struct Line {
    int64_t line;
    uint64_t masks[2]; // there, written
  };
  int64_t lines;
  std::list<Line> order;
  std::unordered_map<int64_t, std::list<Line>::iterator> places;
};

class Runner {
public:
  Runner(func::FuncOp kernel, int64_t buffers, int64_t cacheBytes)
      : kernel(kernel), buffers(buffers), cache(cacheBytes) {}

  void run(int64_t task) {
    values.clear();
    values[kernel.getArgument(buffers)] = task;
    runBlock(kernel.getBody().front());
  }

  KernelTraffic traffic;

private:
  using Number = std::optional<int64_t>;

  Number get(Value value) {
    auto known = values.find(value);
    if (known != values.end())
      return known->second;
    APInt constant;
    if (matchPattern(value, m_ConstantInt(&constant)))
      return values[value] = constant.getBitWidth() == 1 ? constant.getZExtValue() : constant.getSExtValue();
    return std::nullopt;
  }

  int64_t need(Value value) {
    if (Number number = get(value))
      return *number;
    throw std::runtime_error("an index is not known in @" + kernel.getSymName().str());
  }

  void runBlock(Block &block) {
    for (Operation &op : block)
      runOp(op);
  }

  void runOp(Operation &op) {
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      int64_t from = need(loop.getLowerBound()), to = need(loop.getUpperBound()), step = need(loop.getStep());
      for (int64_t i = from; i < to; i += step) {
        values[loop.getInductionVar()] = i;
        runBlock(*loop.getBody());
      }
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      Region &taken = need(branch.getCondition()) ? branch.getThenRegion() : branch.getElseRegion();
      if (!taken.empty())
        runBlock(taken.front());
    } else if (op.getNumRegions() != 0) {
      throw std::runtime_error("no rule for " + op.getName().getStringRef().str());
    } else if (auto load = dyn_cast<memref::LoadOp>(op)) {
      access(load.getMemRef(), load.getIndices(), 1, false);
      if (load.getType().isInteger(32))
        values[load.getResult()] = place(load.getMemRef(), load.getIndices());
    } else if (auto store = dyn_cast<memref::StoreOp>(op)) {
      access(store.getMemRef(), store.getIndices(), 1, true);
    } else if (auto load = dyn_cast<vector::LoadOp>(op)) {
      access(load.getBase(), load.getIndices(), load.getVectorType().getNumElements(), false);
    } else if (auto store = dyn_cast<vector::StoreOp>(op)) {
      access(store.getBase(), store.getIndices(), store.getVectorType().getNumElements(), true);
    } else if (op.getNumResults() == 1 && isa<IndexType, IntegerType>(op.getResult(0).getType())) {
      if (Number number = compute(op))
        values[op.getResult(0)] = number;
    }
  }

  /// Index arithmetic; nothing for what is no index.
  Number compute(Operation &op) {
    if (op.getNumOperands() == 0)
      return get(op.getResult(0));
    Number x = get(op.getOperand(0));
    if (!x)
      return std::nullopt;
    if (isa<arith::IndexCastOp>(op))
      return x;
    Number y = op.getNumOperands() > 1 ? get(op.getOperand(1)) : std::nullopt;
    if (!y)
      return std::nullopt;
    if (isa<arith::AddIOp>(op))
      return *x + *y;
    if (isa<arith::SubIOp>(op))
      return *x - *y;
    if (isa<arith::MulIOp>(op))
      return *x * *y;
    if (isa<arith::DivUIOp>(op))
      return *x / *y;
    if (isa<arith::RemUIOp>(op))
      return *x % *y;
    if (isa<arith::MinSIOp>(op))
      return std::min(*x, *y);
    if (auto compare = dyn_cast<arith::CmpIOp>(op))
      switch (compare.getPredicate()) {
      case arith::CmpIPredicate::eq:
        return *x == *y;
      case arith::CmpIPredicate::ne:
        return *x != *y;
      case arith::CmpIPredicate::ult:
      case arith::CmpIPredicate::slt:
        return *x < *y;
      default:
        return std::nullopt;
      }
    return std::nullopt;
  }

  int64_t place(Value memref, OperandRange indices) {
    auto type = cast<MemRefType>(memref.getType());
    int64_t at = 0;
    for (auto [extent, index] : llvm::zip(type.getShape(), indices))
      at = at * extent + need(index);
    return at;
  }

  void access(Value memref, OperandRange indices, int64_t count, bool isStore) {
    auto argument = dyn_cast<BlockArgument>(memref);
    if (!argument || argument.getArgNumber() >= buffers) // scratch memory of a task
      return;
    int64_t width = cast<MemRefType>(memref.getType()).getElementTypeBitWidth() / 8;
    int64_t first = place(memref, indices) * width + (int64_t(argument.getArgNumber()) << 40);
    int64_t &sum = isStore ? traffic.written : traffic.read;
    // Numbers that every task reads again (the flag of accumulation) are no traffic, whatever lies between two tasks.
    bool isNumber = cast<MemRefType>(memref.getType()).getNumElements() == 1;
    for (int64_t byte = first; byte < first + count * width; ++byte)
      sum += !(isNumber ? numbers : cache).touch(byte, isStore);
  }

  func::FuncOp kernel;
  int64_t buffers;
  Cache cache, numbers{1 << 12};
  llvm::DenseMap<Value, Number> values;
};
} // namespace

KernelTraffic countAccesses(func::FuncOp kernel, int64_t tasks, int64_t buffers, int64_t cacheBytes) {
  Runner runner(kernel, buffers, cacheBytes);
  for (int64_t task = 0; task < tasks; ++task)
    runner.run(task);
  return runner.traffic;
}

} // namespace nf::test
