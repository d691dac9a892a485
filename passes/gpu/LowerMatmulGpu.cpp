//===- LowerMatmulGpu.cpp - matrix products become calls of cuBLASLt -------------------------===//
//
// Before → after in Passes.td.
//
// 1. Products of types that the library does not have, or beside the sum of an operand, are refused, all at once.
// 2. The product in cuBLASLt's terms: matrices column-major, so that operands change places, with leading dimensions,
//    strides of batches and the alignment that the plan gave them.
// 3. A bias in C's type becomes an epilogue. A kernel behind the product adds it where the library refuses; and always
//    where the bias has another type or the product is a batch.
//
//===------------------------------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/gpu/GpuFill.h"
#include "passes/rows/KernelNames.h"
#include "passes/rows/RowOps.h"
#include "runtime/abi/nf_gpu.h"

namespace nf {
#define GEN_PASS_DEF_LOWERMATMULGPU
#include "passes/gpu/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// What cuBLASLt's heuristics may plan with: 32 MiB, as NVIDIA recommends for Hopper.
static constexpr int64_t workspaceBytes = 32 << 20;
/// More alignment than this changes no algorithm.
static constexpr int64_t mostAlignment = 256;

/// Whether the product is one of the library's: by its types, and without the sum of an operand, which BGRADA and
/// BGRADB store and do not add to a state.
static LogicalResult checkIsLibrarys(MatmulOp op) {
  if (op.hasOperandSum())
    return op.emitOpError() << "expected a product alone for a GPU, but got the sum of an operand beside it";
  Type a = getElementTypeOrSelf(op.getLhs().getType()), b = getElementTypeOrSelf(op.getRhs().getType()),
       c = getElementTypeOrSelf(op.getOuts()[0].getType());
  if (a == b && ((a.isF32() && c.isF32()) || (a.isBF16() && (c.isF32() || c.isBF16()))))
    return success();
  return op.emitOpError() << "expected f32 matrices, or bf16 with a result of bf16 or f32, for a GPU, but got " << a
                          << " and " << b << " with a result of " << c;
}

static nf_dtype dtypeOf(Type element) { return element.isBF16() ? NF_BF16 : NF_F32; }

/// Of every matrix of a batch, `stride` elements apart.
static int64_t libraryAlignmentOf(Value buffer, int64_t batch, int64_t stride) {
  auto view = buffer.getDefiningOp<BufferOp>();
  int64_t alignment = view ? std::gcd(mostAlignment, view.getOffset()) : gpuVectorBytes;
  return batch == 1 ? alignment : std::gcd(alignment, stride * storedBytes(getElementTypeOrSelf(buffer.getType())));
}

namespace {
struct LowerMatmulGpu : nf::impl::LowerMatmulGpuBase<LowerMatmulGpu> {
  void runOnOperation() override {
    SmallVector<MatmulOp> matmuls;
    bool fits = true;
    getOperation().walk([&](MatmulOp op) {
      if (op.getOuts().empty())
        return;
      fits &= succeeded(checkIsLibrarys(op));
      matmuls.push_back(op);
    });
    if (!fits)
      return signalPassFailure();
    for (MatmulOp op : matmuls)
      lower(op);
  }

  void lower(MatmulOp op) {
    Value a = op.getLhs(), b = op.getRhs(), c = op.getOuts()[0], bias = op.getBias();
    MatmulOp::Shape shape = op.getProductShape();
    bool isEpilogue = bias && shape.batch == 1 && alignmentOf(bias) == gpuVectorBytes &&
                      getElementTypeOrSelf(bias.getType()) == getElementTypeOrSelf(c.getType());
    nf_gpu_beta beta = op.getAlwaysAccumulate() ? NF_BETA_ONE : op.getAccumulate() ? NF_BETA_FLAG : NF_BETA_ZERO;
    SmallVector<int64_t> numbers;
    appendMatrix(numbers, b, shape.batch, op.getTransposeB() ? shape.n : shape.k,
                 op.getTransposeB() ? shape.k : shape.n);
    appendMatrix(numbers, a, shape.batch, op.getTransposeA() ? shape.k : shape.m,
                 op.getTransposeA() ? shape.m : shape.k);
    appendMatrix(numbers, c, shape.batch, shape.m, shape.n);
    llvm::append_values(numbers, shape.batch, workspaceBytes, int64_t(op.getTransposeB()), int64_t(op.getTransposeA()),
                        int64_t(beta), int64_t(isEpilogue ? NF_EPILOGUE_BIAS : NF_EPILOGUE_NONE));
    SmallVector<Value> buffers{b, a, c};
    if (beta == NF_BETA_FLAG)
      buffers.push_back(op.getAccumulate());
    if (isEpilogue)
      buffers.push_back(bias);
    func::FuncOp gemm = gemmOf(op, shape, beta, isEpilogue, numbers, buffers);
    OpBuilder builder(op);
    LaunchOp::create(builder, op.getLoc(), gemm.getSymName(), buffers, /*tasks=*/1);
    if (bias)
      launchAddBias(op, c, bias, /*withoutEpilogue=*/isEpilogue);
    op.erase();
  }

  /// A row-major matrix of `rows` × `cols` as a column-major one: cols × rows.
  void appendMatrix(SmallVectorImpl<int64_t> &numbers, Value buffer, int64_t batch, int64_t rows, int64_t cols) {
    llvm::append_values(numbers, cols, rows, cols, rows * cols,
                        int64_t(dtypeOf(getElementTypeOrSelf(buffer.getType()))),
                        libraryAlignmentOf(buffer, batch, rows * cols));
  }

  /// The function that stands for the product. Products that differ in their matrices' alignment alone are numbered.
  func::FuncOp gemmOf(MatmulOp op, const MatmulOp::Shape &shape, nf_gpu_beta beta, bool isEpilogue,
                      ArrayRef<int64_t> numbers, ValueRange buffers) {
    std::string name = "gemm_" + (shape.batch == 1 ? "" : std::to_string(shape.batch) + "_") +
                       joinExtents({shape.m, shape.n, shape.k}) + (op.getTransposeA() ? "_t" : "_n") +
                       (op.getTransposeB() ? "t" : "n") + "_" +
                       elementName(getElementTypeOrSelf(op.getLhs().getType())) + "_" +
                       elementName(getElementTypeOrSelf(op.getOuts()[0].getType()));
    if (beta != NF_BETA_ZERO)
      name += beta == NF_BETA_FLAG ? "_flag" : "_add";
    if (isEpilogue)
      name += "_bias";
    auto attribute = DenseI64ArrayAttr::get(&getContext(), numbers);
    for (int64_t number = 0;; ++number) {
      std::string candidate = number == 0 ? name : name + "_" + std::to_string(number);
      auto have = getOperation().lookupSymbol<func::FuncOp>(candidate);
      if (have && have->getAttr(gpuGemmAttribute) == attribute)
        return have;
      if (have)
        continue;
      auto made = createStandIn(getOperation(), op.getLoc(), candidate, SmallVector<Type>(buffers.getTypes()));
      made->setAttr(gpuGemmAttribute, attribute);
      return made;
    }
  }

  /// C := C + bias in every row.
  void launchAddBias(MatmulOp op, Value c, Value bias, bool withoutEpilogue) {
    auto type = cast<MemRefType>(c.getType());
    Type element = type.getElementType(), biasElement = getElementTypeOrSelf(bias.getType());
    int64_t columns = type.getShape().back(), bytes = std::max(storedBytes(element), storedBytes(biasElement));
    int64_t vector = gpuVectorBytes / bytes;
    while (vector > 1 && (columns % vector != 0 || alignmentOf(c) % (vector * storedBytes(element)) != 0 ||
                          alignmentOf(bias) % (vector * storedBytes(biasElement)) != 0))
      vector /= 2;
    VectorSpread spread = spreadVectors(type.getNumElements() / vector);
    std::string name = "add_bias_gpu_" + joinExtents({type.getNumElements() / columns, columns}) + "_" +
                       elementName(element) + "_" + elementName(biasElement) + "_by" + std::to_string(vector) +
                       (withoutEpilogue ? "_without_epilogue" : "");
    func::FuncOp kernel = getOrBuildGpuKernel(
        getOperation(), op.getLoc(), name, {c.getType(), bias.getType()}, spread.threads,
        [&](GpuBuilder &b, ValueRange pointers) {
          forVectors(b, spread, [&](Value index, Value isReal) {
            b.onlyIf(isReal, [&] { // the load too: what another thread has, it writes
              Value place = b.scale(index, vector), column = b.scale(b.remainder(index, columns / vector), vector);
              Value old = emitCast(b, b.load(pointers[0], element, place, vector), b.getF32Type());
              Value added = emitCast(b, b.load(pointers[1], biasElement, column, vector), b.getF32Type());
              b.store(emitCast(b, arith::AddFOp::create(b, old, added), element), pointers[0], place);
            });
          });
        });
    if (withoutEpilogue)
      kernel->setAttr(gpuWithoutEpilogueAttribute, UnitAttr::get(&getContext()));
    noteAlignment(kernel, {c, bias});
    OpBuilder builder(op);
    LaunchOp::create(builder, op.getLoc(), kernel.getSymName(), ValueRange{c, bias}, spread.blocks);
  }
};
} // namespace
