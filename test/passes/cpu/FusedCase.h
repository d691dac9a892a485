// Random fused regions, as text in tensor form and in buffer form.
#ifndef NF_TEST_PASSES_CPU_FUSEDCASE_H
#define NF_TEST_PASSES_CPU_FUSEDCASE_H

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace nf::test {

struct Buffer {
  std::string element; ///< "f32", "bf16", "i32", "i64", "i1"
  int64_t count = 0;
  int64_t offset = 0; ///< in the case's memory
  int64_t limit = 0;  ///< of an integer's values, exclusive; 0: a float
  double bound = 0;   ///< of a result's magnitude
  bool sum = false;   ///< a column sum
  int kind = 0;
};

struct FusedCase {
  int64_t rows = 1, cols = 1, groups = 1;
  std::vector<Buffer> inputs, outs; ///< the accumulate flag is the last input where there is one
  std::vector<int64_t> gatherIndex;
  bool hasFlag = false; ///< accumulate is an operand
  bool always = false;  ///< always_accumulate
  int64_t bytes = 0;
  std::string body; ///< the region with its block arguments
  std::vector<std::string> resultTypes;

  std::string tensorForm() const;
  std::string bufferForm() const;
};

/// Up to twelve operations with row reductions and column sums; the same case for the same seed.
FusedCase randomCase(uint64_t seed);

} // namespace nf::test

#endif // NF_TEST_PASSES_CPU_FUSEDCASE_H
