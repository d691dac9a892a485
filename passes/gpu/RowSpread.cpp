//===- RowSpread.cpp - how a region's rows and columns are spread over threads ---------------===//
//
// 1. A thread loads as many columns at once as alignment and 16 bytes allow.
// 2. As few threads take a row as hold their part of it in registers; short rows share a block.
// 3. A row without anything to reduce along it may be spread over blocks.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/gpu/RowSpread.h"

using namespace mlir;
using namespace nf;

static constexpr int64_t vectorBytes = 16, warp = 32, mostThreads = 1024;
/// Threads of a block where rows leave the choice: enough to hide memory's latency with few blocks on a processor.
static constexpr int64_t usualThreads = 128;
/// Registers for a thread's part of a row: operands that later levels need again, and column sums; and vectors of a row
/// that code is written out for.
static constexpr int64_t heldRegisters = 96, mostHeldColumns = 32, mostChunks = 16;

/// Where a region draws random words and holds few values beside them, ptxas would rather spill a few bytes than run as
/// few threads on a processor as have registers for both.
static constexpr int64_t mostValuesBesideWords = 3, threadsBesideWords = 512;

static int64_t bytesOfElement(Type type) { return std::max(1u, type.getIntOrFloatBitWidth() / 8); }

/// Bytes that every row of an argument is aligned to, as far as a vector needs.
static int64_t alignmentOf(const RowProblem &problem, const RowArgument &argument) {
  int64_t alignment = vectorBytes;
  if (auto buffer = argument.buffer.getDefiningOp<BufferOp>())
    alignment = std::gcd(alignment, buffer.getOffset());
  return std::gcd(alignment, problem.cols * bytesOfElement(argument.type.getElementType()));
}

/// The widest vector that every argument with columns can be loaded in.
static int64_t vectorOf(const RowProblem &problem) {
  int64_t vector = vectorBytes / 4;
  SmallVector<const RowArgument *> wide;
  for (const RowArgument &argument : problem.arguments)
    if (argument.kind != RowKind::Row && argument.kind != RowKind::Scalar)
      wide.push_back(&argument);
  if (!wide.empty() && llvm::all_of(wide, [](const RowArgument *argument) {
        return bytesOfElement(argument->type.getElementType()) <= 2;
      }))
    vector = vectorBytes / 2;
  auto fits = [&](const RowArgument *argument) {
    int64_t bytes = std::min(vectorBytes, vector * bytesOfElement(argument->type.getElementType()));
    return alignmentOf(problem, *argument) % bytes == 0;
  };
  while (vector > 1 && (problem.cols % vector != 0 || !llvm::all_of(wide, fits)))
    vector /= 2;
  return vector;
}

/// Values that a thread holds of each of its columns.
static int64_t heldValues(const RowProblem &problem) {
  int64_t values = llvm::count(problem.resultKinds, RowKind::ColSum);
  for (RowKind kind : problem.inputKinds)
    values += kind == RowKind::RowCol || kind == RowKind::Gather;
  return std::max<int64_t>(1, values);
}

/// Columns of a row that a thread holds in registers.
static int64_t heldColumns(const RowProblem &problem) {
  return std::min<int64_t>(mostHeldColumns, llvm::bit_floor<uint64_t>(heldRegisters / heldValues(problem)));
}

RowSpread nf::spreadRows(const RowProblem &problem, const RowSchedule &schedule) {
  bool sumsColumns = llvm::is_contained(problem.resultKinds, RowKind::ColSum);
  bool reducesRows = llvm::is_contained(problem.resultKinds, RowKind::Row) ||
                     llvm::any_of(schedule.loops, [](const ColumnLoop &loop) { return !loop.reductions.empty(); });
  RowSpread spread{};
  spread.vector = vectorOf(problem);
  int64_t vectors = problem.cols / spread.vector;
  int64_t held = std::max<int64_t>(1, heldColumns(problem) / spread.vector);
  int64_t wanted = llvm::PowerOf2Ceil(llvm::divideCeil(vectors, held));
  // One row at a time gets all threads of the block; sums of columns stay in registers while it walks down its rows.
  bool takesBlock = sumsColumns || problem.rows == 1;
  int64_t least = takesBlock ? std::min<int64_t>(usualThreads, llvm::PowerOf2Ceil(vectors)) : 1;
  spread.threadsPerRow =
      std::clamp<int64_t>(wanted, std::max<int64_t>(least, 1), reducesRows ? mostThreads : usualThreads);
  if (takesBlock)
    spread.threadsPerRow = std::max(spread.threadsPerRow, warp);
  spread.chunks = llvm::divideCeil(vectors, spread.threadsPerRow);
  spread.columnBlocks = 1;
  if (!reducesRows && spread.chunks > held) {
    spread.columnBlocks = llvm::divideCeil(spread.chunks, held);
    spread.chunks = held;
  }
  spread.isUnrolled = spread.chunks <= mostChunks;
  spread.rowsAtOnce = takesBlock ? 1 : std::max<int64_t>(1, usualThreads / spread.threadsPerRow);
  spread.rowsAtOnce = std::min<int64_t>(spread.rowsAtOnce, llvm::PowerOf2Ceil(problem.rows));
  while (spread.threads() < warp && spread.rowsAtOnce < usualThreads)
    spread.rowsAtOnce *= 2; // whole warps: shuffles name all lanes
  spread.rowsPerBlock = sumsColumns ? llvm::divideCeil(problem.rows, problem.groups) : spread.rowsAtOnce;
  int64_t rowBlocks = sumsColumns ? problem.groups : llvm::divideCeil(problem.rows, spread.rowsPerBlock);
  spread.blocks = rowBlocks * spread.columnBlocks;
  bool drawsForLittle = !problem.sites.empty() && heldValues(problem) <= mostValuesBesideWords;
  spread.blocksAtOnce = drawsForLittle ? std::max<int64_t>(1, threadsBesideWords / spread.threads()) : 0;
  return spread;
}
