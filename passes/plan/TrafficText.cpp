//===- TrafficText.cpp - traffic as tables ----------------------------------------------------===//
#include "passes/TextTable.h"
#include "passes/plan/Traffic.h"
#include "llvm/ADT/StringExtras.h"

#include <fmt/format.h>
#include <map>

using namespace nf;

/// The least N of the "layers.N." in a list of parts: what lies between two layers counts for the first. -1 without.
static int64_t layerOf(llvm::StringRef parts) {
  int64_t least = -1;
  llvm::SmallVector<llvm::StringRef> words;
  parts.split(words, ' ');
  for (llvm::StringRef word : words) {
    int64_t layer;
    if (word.consume_front("layers.") && !word.consumeInteger(10, layer))
      least = least < 0 ? layer : std::min(least, layer);
  }
  return least;
}

/// The parts of layer `layer` without its number, those of others with it.
static std::string shortened(llvm::StringRef parts, int64_t layer) {
  std::string own = "layers." + std::to_string(layer) + ".", text;
  llvm::SmallVector<llvm::StringRef> words;
  parts.split(words, ' ');
  for (llvm::StringRef word : words) {
    word.consume_front(own);
    text += (text.empty() ? "" : " ") + word.str();
  }
  return text;
}

namespace {
class TrafficTables {
public:
  TrafficTables(const ProgramTraffic &traffic, const TrafficUnit &unit) : traffic(traffic), unit(unit) {
    for (const RegionTraffic &region : traffic.regions)
      bytesOfLayer[layerOf(region.parts)].moved += region.bytes();
    for (const TrafficTerm &term : traffic.saved)
      bytesOfLayer[layerOf(term.name)].saved += term.bytes;
  }

  std::string text() const {
    std::string text =
        fmt::format("u = {} tokens x {} columns of {}, {} bytes. Row kernels read each operand and write each result "
                    "once; products and\nattention are left out; d: gradients; small: less than a u each.\n",
                    unit.tokens, unit.width, unit.element, unit.bytes());
    if (auto layer = innerLayer())
      text += "\n" + regionsText(*layer) + "\n" + savedText(*layer);
    return text + "\n" + sumsText();
  }

private:
  std::string inUnits(int64_t bytes) const { return fmt::format("{:.2f}", double(bytes) / double(unit.bytes())); }

  /// A layer between others, where there is one: the first and the last also meet embeddings and loss.
  std::optional<int64_t> innerLayer() const {
    int64_t last = bytesOfLayer.empty() ? -1 : bytesOfLayer.rbegin()->first;
    if (last < 0)
      return std::nullopt;
    return last / 2;
  }

  /// "attn.out 1.00 + d ffn.ln 1.00 + small 0.01".
  std::string termsText(const std::vector<TrafficTerm> &terms, int64_t layer) const {
    std::string text;
    int64_t small = 0;
    auto add = [&](const std::string &name, int64_t bytes) {
      text += (text.empty() ? "" : " + ") + name + " " + inUnits(bytes);
    };
    for (const TrafficTerm &term : terms) {
      if (term.elements < unit.tokens * unit.width)
        small += term.bytes;
      else
        add((term.isOfBackward ? "d " : "") + shortened(term.name, layer), term.bytes);
    }
    if (small)
      add("small", small);
    return text;
  }

  std::string regionsText(int64_t layer) const {
    std::vector<std::vector<std::string>> rows{{"layers." + std::to_string(layer), "region", "u", "reads", "writes"}};
    int64_t sum = 0;
    for (const RegionTraffic &region : traffic.regions) {
      if (layerOf(region.parts) != layer)
        continue;
      sum += region.bytes();
      rows.push_back({region.isBackward ? "backward" : "forward", shortened(region.parts, layer),
                      inUnits(region.bytes()), termsText(region.reads, layer), termsText(region.writes, layer)});
    }
    rows.push_back({"sum", "", inUnits(sum)});
    return tableOf(rows);
  }

  std::string savedText(int64_t layer) const {
    std::vector<std::vector<std::string>> rows{{"saved for backward", "u"}};
    int64_t sum = 0, small = 0;
    for (const TrafficTerm &term : traffic.saved) {
      if (layerOf(term.name) != layer)
        continue;
      sum += term.bytes;
      if (term.elements < unit.tokens * unit.width)
        small += term.bytes;
      else
        rows.push_back({shortened(term.name, layer), inUnits(term.bytes)});
    }
    rows.push_back({"small", inUnits(small)});
    rows.push_back({"sum", inUnits(sum)});
    return tableOf(rows);
  }

  std::string sumsText() const {
    std::vector<std::vector<std::string>> rows{{"whole step", "u", "saved"}};
    Bytes sum;
    auto row = [&](const std::string &name, Bytes bytes) {
      rows.push_back({name, inUnits(bytes.moved), inUnits(bytes.saved)});
    };
    for (auto &[layer, bytes] : bytesOfLayer) {
      sum.moved += bytes.moved;
      sum.saved += bytes.saved;
      if (bytesOfLayer.rbegin()->first >= 0) // else no layer was recognised
        row(layer < 0 ? "outside of the layers" : "layers." + std::to_string(layer), bytes);
    }
    row("sum", sum);
    return tableOf(rows);
  }

  struct Bytes {
    int64_t moved = 0, saved = 0; ///< by row kernels; kept for backward
  };

  const ProgramTraffic &traffic;
  const TrafficUnit &unit;
  std::map<int64_t, Bytes> bytesOfLayer;
};
} // namespace

std::string nf::trafficText(ProgramOp program, const TrafficUnit &unit) {
  ProgramTraffic traffic = countTraffic(program);
  return TrafficTables(traffic, unit).text();
}
