// Compiled attention against plain loops in double, forward and backward, and the loops against finite differences.
#include "PlannedProgram.h"

#include "runtime/core/Philox.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include <ostream>
#include <random>
#include <vector>

using nf::test::PlannedProgram;

namespace {

struct Case {
  int64_t batch, heads, queries, keys, width;
  bool causal = false, padding = false, segments = false;
  int64_t keyLength = -1, queryOffset = -1; // -1: no such operand
  double dropout = 0;
  double magnitude = 1;
  int lanes = 16;
  int32_t site = 3, step = 5, sampleOffset = 7;
  int64_t seed = 0x123456789abcdef;

  double scale() const { return 1 / std::sqrt(double(width)); }
  int64_t columns() const { return heads * width; }
  std::string name() const {
    return fmt::format(
        "b{} h{} q{} k{} w{} causal{} padding{} segments{} length{} offset{} dropout{} magnitude{} lanes{}", batch,
        heads, queries, keys, width, causal, padding, segments, keyLength, queryOffset, dropout, magnitude, lanes);
  }
};

void PrintTo(const Case &c, std::ostream *out) { *out << c.name(); }

using Numbers = std::vector<double>;

/// Values and gradients of one case, in double.
struct Loops {
  Case c;
  Numbers q, k, v, dout;
  std::vector<float> padding;
  std::vector<int32_t> segments;
  Numbers out, lse, dq, dk, dv;
  Numbers dqTerms, dkTerms, dvTerms; // sums of absolute values, which rounding errors are in proportion to
  double largestScore = 0;

  explicit Loops(const Case &c) : c(c) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    auto fill = [&](Numbers &x, int64_t count, double magnitude) {
      x.resize(count);
      for (double &value : x)
        value = static_cast<float>(magnitude * normal(random));
    };
    fill(q, c.batch * c.queries * c.columns(), c.magnitude);
    fill(k, c.batch * c.keys * c.columns(), 1);
    fill(v, c.batch * c.keys * c.columns(), c.magnitude);
    fill(dout, c.batch * c.queries * c.columns(), 1);
    for (int64_t i = 0; i < c.batch * c.keys; ++i) {
      int64_t b = i / c.keys, key = i % c.keys;
      padding.push_back(key == 0 || key + 5 * b < c.keys - c.keys / 4 ? 1 : 0);
      segments.push_back(static_cast<int32_t>(key * 3 / (c.keys + b)));
    }
  }

  size_t row(int64_t b, int64_t t, int64_t length, int64_t h) const {
    return ((b * length + t) * c.heads + h) * c.width;
  }

  bool visible(int64_t b, int64_t query, int64_t key) const {
    return (!c.causal || key <= query + std::max<int64_t>(c.queryOffset, 0)) &&
           (c.keyLength < 0 || key < c.keyLength) && (!c.padding || padding[b * c.keys + key] != 0) &&
           (!c.segments || segments[b * c.keys + key] == segments[b * c.keys + c.keys - c.queries + query]);
  }

  /// What dropout multiplies a probability by.
  double kept(int64_t b, int64_t h, int64_t query, int64_t key) const {
    if (c.dropout == 0)
      return 1;
    uint32_t random =
        nf::rt::philox(c.seed, {uint32_t(key / 4), uint32_t(((c.sampleOffset + b) * c.heads + h) * c.queries + query),
                                uint32_t(c.site), uint32_t(c.step)})[key % 4];
    return random / 2 >= static_cast<uint32_t>(c.dropout * 0x1p31) ? 1 / (1 - c.dropout) : 0;
  }

  double dot(const Numbers &x, size_t i, const Numbers &y, size_t j) const {
    double sum = 0;
    for (int64_t w = 0; w < c.width; ++w)
      sum += x[i + w] * y[j + w];
    return sum;
  }

  void forward() {
    out.assign(q.size(), 0);
    lse.assign(c.batch * c.heads * c.queries, 0);
    Numbers p(c.keys);
    for (int64_t b = 0; b < c.batch; ++b)
      for (int64_t h = 0; h < c.heads; ++h)
        for (int64_t i = 0; i < c.queries; ++i) {
          size_t query = row(b, i, c.queries, h);
          double maximum = -INFINITY, sum = 0;
          for (int64_t j = 0; j < c.keys; ++j) {
            p[j] = visible(b, i, j) ? c.scale() * dot(q, query, k, row(b, j, c.keys, h)) : -1e30;
            maximum = std::max(maximum, p[j]);
            largestScore = std::max(largestScore, p[j] == -1e30 ? 0 : std::abs(p[j]));
          }
          for (double &x : p)
            sum += x = std::exp(x - maximum);
          lse[(b * c.heads + h) * c.queries + i] = maximum + std::log(sum);
          for (int64_t j = 0; j < c.keys; ++j)
            for (int64_t w = 0; w < c.width; ++w)
              out[query + w] += kept(b, h, i, j) * p[j] / sum * v[row(b, j, c.keys, h) + w];
        }
  }

  void backward() {
    for (Numbers *x : {&dq, &dqTerms})
      x->assign(q.size(), 0);
    for (Numbers *x : {&dk, &dv, &dkTerms, &dvTerms})
      x->assign(k.size(), 0);
    for (int64_t b = 0; b < c.batch; ++b)
      for (int64_t h = 0; h < c.heads; ++h)
        for (int64_t i = 0; i < c.queries; ++i) {
          size_t query = row(b, i, c.queries, h);
          double delta = dot(dout, query, out, query);
          for (int64_t j = 0; j < c.keys; ++j) {
            if (!visible(b, i, j))
              continue;
            size_t key = row(b, j, c.keys, h);
            double p = std::exp(c.scale() * dot(q, query, k, key) - lse[(b * c.heads + h) * c.queries + i]);
            double keep = kept(b, h, i, j), dp = keep * dot(dout, query, v, key);
            double ds = c.scale() * p * (dp - delta), dsTerms = c.scale() * p * (std::abs(dp) + std::abs(delta));
            for (int64_t w = 0; w < c.width; ++w) {
              dq[query + w] += ds * k[key + w];
              dk[key + w] += ds * q[query + w];
              dv[key + w] += keep * p * dout[query + w];
              dqTerms[query + w] += dsTerms * std::abs(k[key + w]);
              dkTerms[key + w] += dsTerms * std::abs(q[query + w]);
              dvTerms[key + w] += keep * p * std::abs(dout[query + w]);
            }
          }
        }
  }
};

/// The program of a case, forward and backward, and where its buffers lie.
struct Compiled {
  const Case &c;
  std::string text;
  int64_t bytes = 0;
  std::unique_ptr<PlannedProgram> program;
  int64_t q, k, v, out, lse, dout, padding, segments, keyLength, queryOffset, seed, step, sampleOffset, dq, dk, dv;

  explicit Compiled(const Case &c, bool backward = true) : c(c) {
    text = "nf.program @p() {\n";
    std::string qType = fmt::format("memref<{}x{}x{}xf32>", c.batch, c.queries, c.columns());
    std::string kType = fmt::format("memref<{}x{}x{}xf32>", c.batch, c.keys, c.columns());
    q = buffer("q", qType, c.batch * c.queries * c.columns());
    k = buffer("k", kType, c.batch * c.keys * c.columns());
    v = buffer("v", kType, c.batch * c.keys * c.columns());
    out = buffer("out", qType, c.batch * c.queries * c.columns());
    std::string lseType = fmt::format("memref<{}x{}x{}xf32>", c.batch, c.heads, c.queries);
    lse = buffer("lse", lseType, c.batch * c.heads * c.queries);
    dout = buffer("dout", qType, c.batch * c.queries * c.columns());
    dq = buffer("dq", qType, c.batch * c.queries * c.columns());
    dk = buffer("dk", kType, c.batch * c.keys * c.columns());
    dv = buffer("dv", kType, c.batch * c.keys * c.columns());
    std::string masks, maskTypes;
    auto mask = [&](bool wanted, const char *name, const char *operand, std::string type, int64_t words, int64_t &at) {
      if (!wanted)
        return;
      at = buffer(name, type, words);
      masks += fmt::format(" {} %{}", operand, name);
      maskTypes += ", " + type;
    };
    std::string keysOf = fmt::format("memref<{}x{}x", c.batch, c.keys);
    mask(c.padding, "padding", "key_padding", keysOf + "f32>", c.batch * c.keys, padding);
    mask(c.segments, "segments", "segments", keysOf + "i32>", c.batch * c.keys, segments);
    mask(c.keyLength >= 0, "length", "key_length", "memref<1xi32>", 1, keyLength);
    mask(c.queryOffset >= 0, "offset", "query_offset", "memref<i32>", 1, queryOffset);
    mask(c.dropout > 0, "seed", "seed", "memref<i64>", 2, seed);
    mask(c.dropout > 0, "step", "step", "memref<i32>", 1, step);
    mask(c.dropout > 0, "sample", "sample_offset", "memref<i32>", 1, sampleOffset);
    std::string attributes =
        fmt::format("{{heads = {} : i64, {}scale = {:.17e} : f64, dropout = {:.17e} : f64, site = {} : i32}}", c.heads,
                    c.causal ? "causal, " : "", c.scale(), c.dropout, c.site);
    text += fmt::format("nf.attention %q, %k, %v{} outs(%out, %lse) {} : ({}, {}, {}{}, {}, {}) -> ()\n", masks,
                        attributes, qType, kType, kType, maskTypes, qType, lseType);
    if (backward)
      text +=
          fmt::format("nf.attention_backward %q, %k, %v, %out, %lse, %dout{} outs(%dq, %dk, %dv) {} "
                      ": ({}, {}, {}, {}, {}, {}{}, {}, {}, {}) -> ()\n",
                      masks, attributes, qType, kType, kType, qType, lseType, qType, maskTypes, qType, kType, kType);
    text += "nf.return\n}\n";
    program = std::make_unique<PlannedProgram>(text, fmt::format("nf-lower-attention{{vector-width={}}}", c.lanes));
  }

  int64_t buffer(const char *name, const std::string &type, int64_t words) {
    int64_t at = bytes;
    text += fmt::format("%{} = nf.buffer transient {} : {}\n", name, at, type);
    bytes += (words * 4 + 63) / 64 * 64;
    return at;
  }

  void setInputs(const Loops &loops) {
    auto write = [&](int64_t at, const auto &from) { std::copy(from.begin(), from.end(), program->at<float>(at)); };
    write(q, loops.q);
    write(k, loops.k);
    write(v, loops.v);
    write(dout, loops.dout);
    if (c.padding)
      write(padding, loops.padding);
    if (c.segments)
      std::copy(loops.segments.begin(), loops.segments.end(), program->at<int32_t>(segments));
    if (c.keyLength >= 0)
      *program->at<int32_t>(keyLength) = static_cast<int32_t>(c.keyLength);
    if (c.queryOffset >= 0)
      *program->at<int32_t>(queryOffset) = static_cast<int32_t>(c.queryOffset);
    if (c.dropout > 0) {
      *program->at<int64_t>(seed) = c.seed;
      *program->at<int32_t>(step) = c.step;
      *program->at<int32_t>(sampleOffset) = c.sampleOffset;
    }
  }

  /// The largest error of a buffer in proportion to `terms`.
  double error(int64_t at, const Numbers &expected, const Numbers &terms) {
    const float *have = program->at<float>(at);
    double largest = 0, smallest = 1e-30;
    for (double t : terms)
      smallest = std::max(smallest, 1e-6 * std::abs(t));
    for (size_t i = 0; i < expected.size(); ++i) {
      double error = std::abs(have[i] - expected[i]) / std::max(std::abs(terms[i]), smallest);
      if (!(error <= largest)) // NaN is wrong too
        largest = std::isnan(error) ? INFINITY : error;
    }
    return largest;
  }
};

double norm(const Numbers &x) {
  double sum = 0;
  for (double value : x)
    sum += value * value;
  return std::sqrt(sum);
}

double normError(const float *have, const Numbers &expected) {
  double sum = 0;
  for (size_t i = 0; i < expected.size(); ++i)
    sum += (have[i] - expected[i]) * (have[i] - expected[i]);
  return std::sqrt(sum) / (norm(expected) + 1e-30);
}

class LowerAttention : public testing::TestWithParam<Case> {};

TEST_P(LowerAttention, EqualsLoops) {
  const Case &c = GetParam();
  Loops loops(c);
  loops.forward();
  loops.backward();
  Compiled compiled(c);
  compiled.setInputs(loops);
  for (int repeat = 0; repeat < 2; ++repeat) // the second time, scratch and gradients hold old values
    compiled.program->run();
  PlannedProgram &p = *compiled.program;
  // A score's rounding error is a relative error of its probability.
  double scores = 4 * 0x1p-24 * loops.largestScore;
  EXPECT_LT(normError(p.at<float>(compiled.out), loops.out), 1e-5 + scores);
  EXPECT_LT(normError(p.at<float>(compiled.lse), loops.lse), 1e-5);
  EXPECT_LT(compiled.error(compiled.dq, loops.dq, loops.dqTerms), 1e-4 + scores);
  EXPECT_LT(compiled.error(compiled.dk, loops.dk, loops.dkTerms), 1e-4 + scores);
  EXPECT_LT(compiled.error(compiled.dv, loops.dv, loops.dvTerms), 1e-4 + scores);
  if (c.magnitude == 1) {
    EXPECT_LT(normError(p.at<float>(compiled.dq), loops.dq), 1e-5 + (norm(loops.dq) < 1e-6));
    EXPECT_LT(normError(p.at<float>(compiled.dk), loops.dk), 1e-5 + (norm(loops.dk) < 1e-6));
    EXPECT_LT(normError(p.at<float>(compiled.dv), loops.dv), 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Lengths, LowerAttention,
                         testing::Values(Case{1, 1, 1, 1, 8}, Case{2, 3, 7, 7, 32}, Case{2, 3, 64, 64, 64},
                                         Case{1, 3, 100, 100, 32}, Case{1, 1, 257, 257, 80}, Case{1, 1, 1, 1, 8, true},
                                         Case{2, 3, 7, 7, 32, true}, Case{1, 12, 64, 64, 64, true},
                                         Case{2, 3, 100, 100, 32, true}, Case{1, 1, 257, 257, 80, true},
                                         Case{1, 2, 130, 130, 5, true}));

INSTANTIATE_TEST_SUITE_P(
    Masks, LowerAttention,
    testing::Values(
        Case{.batch = 2, .heads = 3, .queries = 100, .keys = 100, .width = 8, .padding = true},
        Case{.batch = 2, .heads = 1, .queries = 257, .keys = 257, .width = 32, .padding = true},
        Case{.batch = 2, .heads = 2, .queries = 100, .keys = 100, .width = 16, .causal = true, .segments = true},
        Case{.batch = 2, .heads = 2, .queries = 40, .keys = 150, .width = 16, .segments = true},
        Case{.batch = 1,
             .heads = 2,
             .queries = 1,
             .keys = 200,
             .width = 32,
             .causal = true,
             .keyLength = 70,
             .queryOffset = 69},
        Case{.batch = 1, .heads = 2, .queries = 20, .keys = 200, .width = 24, .causal = true, .queryOffset = 64},
        Case{.batch = 2, .heads = 2, .queries = 70, .keys = 90, .width = 16, .keyLength = 33},
        Case{.batch = 2,
             .heads = 2,
             .queries = 90,
             .keys = 90,
             .width = 16,
             .causal = true,
             .padding = true,
             .segments = true,
             .keyLength = 80,
             .queryOffset = 0}));

INSTANTIATE_TEST_SUITE_P(
    Dropout, LowerAttention,
    testing::Values(
        Case{.batch = 2, .heads = 3, .queries = 100, .keys = 100, .width = 16, .causal = true, .dropout = 0.1},
        Case{.batch = 2, .heads = 2, .queries = 7, .keys = 7, .width = 8, .dropout = 0.5},
        Case{.batch = 1, .heads = 2, .queries = 150, .keys = 139, .width = 32, .dropout = 0.3}));

INSTANTIATE_TEST_SUITE_P(
    Lanes, LowerAttention,
    testing::Values(Case{.batch = 1,
                         .heads = 3,
                         .queries = 100,
                         .keys = 100,
                         .width = 20,
                         .causal = true,
                         .dropout = 0.1,
                         .lanes = 8},
                    Case{.batch = 1, .heads = 2, .queries = 257, .keys = 257, .width = 64, .lanes = 8},
                    Case{.batch = 1, .heads = 2, .queries = 70, .keys = 70, .width = 12, .causal = true, .lanes = 4}));

INSTANTIATE_TEST_SUITE_P(
    Magnitudes, LowerAttention,
    testing::Values(
        Case{.batch = 1, .heads = 3, .queries = 100, .keys = 100, .width = 32, .magnitude = 100},
        Case{.batch = 1, .heads = 3, .queries = 100, .keys = 100, .width = 32, .causal = true, .magnitude = 1e4},
        Case{.batch = 1, .heads = 3, .queries = 64, .keys = 64, .width = 64, .magnitude = 1e-4}));

// A sequence that is all padding must not give a NaN; its values mean nothing.
TEST(LowerAttentionMasks, NothingVisibleIsNoNaN) {
  Case c{.batch = 2, .heads = 2, .queries = 100, .keys = 100, .width = 16, .causal = true, .padding = true};
  Loops loops(c);
  std::fill(loops.padding.begin() + c.keys, loops.padding.end(), 0.0f);
  std::fill(loops.dout.begin() + loops.dout.size() / 2, loops.dout.end(), 0.0);
  Compiled compiled(c);
  compiled.setInputs(loops);
  compiled.program->run();
  for (int64_t at : {compiled.out, compiled.dq, compiled.dk, compiled.dv})
    for (size_t i = 0; i < loops.q.size(); ++i)
      ASSERT_TRUE(std::isfinite(compiled.program->at<float>(at)[i])) << at << " " << i;
}

// The loops that everything is compared with: their gradients are those of their values.
TEST(LowerAttentionLoops, GradientsAreFiniteDifferences) {
  Case c{.batch = 2,
         .heads = 2,
         .queries = 5,
         .keys = 7,
         .width = 4,
         .causal = true,
         .padding = true,
         .queryOffset = 2,
         .dropout = 0.25};
  Loops loops(c);
  loops.forward();
  loops.backward();
  auto loss = [](Loops &l) {
    l.forward();
    double sum = 0;
    for (size_t i = 0; i < l.out.size(); ++i)
      sum += l.out[i] * l.dout[i];
    return sum;
  };
  struct Pair {
    Numbers Loops::*value, Loops::*gradient;
  };
  for (Pair pair : {Pair{&Loops::q, &Loops::dq}, Pair{&Loops::k, &Loops::dk}, Pair{&Loops::v, &Loops::dv}})
    for (size_t i = 0; i < (loops.*pair.value).size(); ++i) {
      const double h = 1e-5;
      Loops up = loops, down = loops;
      (up.*pair.value)[i] += h;
      (down.*pair.value)[i] -= h;
      EXPECT_NEAR((loss(up) - loss(down)) / (2 * h), (loops.*pair.gradient)[i], 1e-8) << i;
    }
}

// Memory grows with the sequence, not with its square.
TEST(LowerAttentionMemory, IsLinear) {
  auto scratch = [](int64_t length) {
    return Compiled(Case{.batch = 1, .heads = 1, .queries = length, .keys = length, .width = 16, .causal = true})
        .program->scratchBytes();
  };
  int64_t fixed = 2 * scratch(128) - scratch(256);
  EXPECT_LT(scratch(1024), fixed + 8 * (scratch(128) - fixed) + 64);
}

// Run by hand (--gtest_also_run_disabled_tests): one core's time over that of the products at 40 GF/s.
TEST(LowerAttentionSpeed, DISABLED_Print) {
  const Case cases[] = {
      {8, 8, 256, 256, 32, true},
      {4, 12, 64, 64, 64, true},
      {1, 12, 512, 512, 64, true},
      {8, 8, 256, 256, 32},
      {2, 12, 1024, 1024, 64, true},
      {8, 4, 64, 64, 32, true},
      {.batch = 8, .heads = 8, .queries = 256, .keys = 256, .width = 32, .causal = true, .dropout = 0.1},
      {.batch = 8, .heads = 8, .queries = 256, .keys = 256, .width = 32, .causal = true, .lanes = 8}};
  for (const Case &c : cases) {
    double pairs = double(c.queries) * c.keys / (c.causal ? 2 : 1) * c.batch * c.heads, seconds[2];
    for (bool backward : {false, true}) {
      Compiled compiled(c, backward);
      compiled.setInputs(Loops(c));
      seconds[backward] = compiled.program->bestSeconds(30);
    }
    double forwardFlops = 4 * pairs * c.width, flops = 14 * pairs * c.width;
    std::printf("%s: forward %.2f ms (%.1f GF/s), both %.2f ms (%.1f GF/s, %.2f x the time at 40 GF/s)\n",
                c.name().c_str(), seconds[0] * 1e3, forwardFlops / seconds[0] / 1e9, seconds[1] * 1e3,
                flops / seconds[1] / 1e9, seconds[1] / (flops / 40e9));
  }
}

} // namespace
