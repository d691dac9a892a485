#include "runtime/train/Safetensors.h"

#include "runtime/core/Error.h"
#include "runtime/train/Files.h"

#include <algorithm>
#include <cstring>
#include <fmt/ranges.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <xxhash.h>

namespace nf::rt {

using nlohmann::json;

namespace {

constexpr uint64_t longestHeader = 100'000'000;
constexpr size_t lengthBytes = 8;

/// Bytes of one element, 0 for an unknown name.
uint64_t elementBytes(std::string_view dtype) {
  constexpr std::pair<std::string_view, uint64_t> known[] = {
      {"F64", 8},  {"I64", 8}, {"U64", 8}, {"F32", 4}, {"I32", 4}, {"U32", 4}, {"F16", 2},
      {"BF16", 2}, {"I16", 2}, {"U16", 2}, {"I8", 1},  {"U8", 1},  {"BOOL", 1}};
  for (auto [name, bytes] : known)
    if (name == dtype)
      return bytes;
  return 0;
}

/// Bytes of the tensor; false when a dimension is negative or the size does not fit 64 bits.
bool tensorBytes(std::string_view dtype, std::span<const int64_t> shape, uint64_t &bytes) {
  bytes = elementBytes(dtype);
  for (int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(bytes, static_cast<uint64_t>(extent), &bytes))
      return false;
  return true;
}

/// Parses the header; duplicate keys, which a JSON library would merge silently, and deep nesting are refused.
json parseStrictly(const std::string &path, std::string_view text) {
  std::vector<std::set<std::string>> keys;
  std::string problem;
  json parsed = json::parse(
      text,
      [&](int depth, json::parse_event_t event, json &value) {
        if (event == json::parse_event_t::object_start)
          keys.emplace_back();
        else if (event == json::parse_event_t::object_end)
          keys.pop_back();
        else if (event == json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
          problem = fmt::format("'{}' appears twice", value.get<std::string>());
        if (depth > 4)
          problem = "nested too deeply";
        return problem.empty();
      },
      /*allow_exceptions=*/false);
  if (!problem.empty())
    fail("{}: expected a safetensors header, but {}", path, problem);
  if (!parsed.is_object())
    fail("{}: expected a safetensors file, but its header is not a JSON object; is it another kind of file, or cut?",
         path);
  return parsed;
}

} // namespace

TensorView viewF32(std::string name, std::vector<int64_t> shape, std::span<const float> values) {
  return {std::move(name), "F32", std::move(shape), values.data()};
}

std::string writeSafetensors(const std::string &path, std::span<const TensorView> tensors) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  uint64_t offset = 0;
  for (const TensorView &tensor : tensors) {
    uint64_t bytes = 0;
    if (!tensorBytes(tensor.dtype, tensor.shape, bytes))
      fail("{}: tensor '{}' is too large to write", path, tensor.name);
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' '); // so that the data is aligned
  FileWriter file(path);
  uint64_t length = text.size();
  file.write(&length, sizeof length);
  file.write(text.data(), text.size());
  for (const TensorView &tensor : tensors) {
    uint64_t bytes = 0;
    tensorBytes(tensor.dtype, tensor.shape, bytes);
    file.write(tensor.data, bytes);
  }
  return file.finish();
}

SafetensorsFile::SafetensorsFile(const std::string &path) : path(path), file(path) { parseHeader(); }

namespace {

/// What the header says about one tensor.
struct Description {
  std::string dtype;
  std::vector<int64_t> shape;
  uint64_t begin, end;
};

Description describe(const std::string &path, const std::string &name, const json &entry) {
  auto whole = [](const json &value) {
    return value.is_number_unsigned() && value.get<uint64_t>() <= std::numeric_limits<int64_t>::max();
  };
  auto allWhole = [&](const char *key) {
    return entry.contains(key) && entry[key].is_array() && std::all_of(entry[key].begin(), entry[key].end(), whole);
  };
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() || !allWhole("shape") ||
      !allWhole("data_offsets") || entry["data_offsets"].size() != 2)
    fail("{}: tensor '{}' needs a dtype, a shape and two data_offsets of whole numbers", path, name);
  Description found{entry["dtype"], entry["shape"], entry["data_offsets"][0], entry["data_offsets"][1]};
  if (elementBytes(found.dtype) == 0)
    fail("{}: tensor '{}' has the unknown dtype '{}'", path, name, found.dtype);
  uint64_t bytes = 0;
  if (!tensorBytes(found.dtype, found.shape, bytes) || found.begin > found.end || found.end - found.begin != bytes)
    fail("{}: tensor '{}' {} [{}] does not fit the bytes {} to {} that it claims", path, name, found.dtype,
         fmt::join(found.shape, ","), found.begin, found.end);
  return found;
}

/// The ranges must follow one another from 0 to `total`.
void checkCoverage(const std::string &path, std::vector<std::pair<uint64_t, uint64_t>> ranges, uint64_t total) {
  std::ranges::sort(ranges);
  uint64_t covered = 0;
  for (auto [begin, end] : ranges) {
    if (begin != covered)
      fail("{}: the tensors {} at byte {}; the file is damaged", path, begin < covered ? "overlap" : "leave a hole",
           std::min(begin, covered));
    covered = end;
  }
  if (covered != total)
    fail("{}: {} bytes follow the last tensor; the file is damaged", path, total - covered);
}

} // namespace

void SafetensorsFile::parseHeader() {
  std::string_view all = file.text();
  if (all.size() < lengthBytes)
    fail("{}: expected a safetensors file, but it has only {} bytes", path, all.size());
  uint64_t length = 0;
  std::memcpy(&length, all.data(), lengthBytes);
  if (length > longestHeader || length > all.size() - lengthBytes)
    fail("{}: expected a safetensors file, but its header claims {} bytes of {}; is it another kind of file, or cut?",
         path, length, all.size());
  json header = parseStrictly(path, all.substr(lengthBytes, length));
  std::string_view data = all.substr(lengthBytes + length);
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (auto &[name, entry] : header.items()) {
    if (name == "__metadata__")
      continue;
    Description found = describe(path, name, entry);
    if (found.end > data.size())
      fail("{}: tensor '{}' ends at byte {} of {}; the file is cut", path, name, found.end, data.size());
    ranges.emplace_back(found.begin, found.end);
    byName[name] = {found.dtype, found.shape, reinterpret_cast<const std::byte *>(data.data()) + found.begin,
                    found.end - found.begin};
  }
  checkCoverage(path, std::move(ranges), data.size());
}

const SafetensorsFile::Tensor *SafetensorsFile::find(const std::string &name) const {
  auto found = byName.find(name);
  return found == byName.end() ? nullptr : &found->second;
}

void SafetensorsFile::read(const std::string &name, const std::string &dtype, std::span<const int64_t> shape,
                           void *to) const {
  const Tensor *tensor = find(name);
  if (!tensor)
    fail("{}: expected a tensor '{}', but there is none", path, name);
  if (tensor->dtype != dtype || !std::ranges::equal(tensor->shape, shape))
    fail("{}: expected '{}' to be {} [{}], but it is {} [{}]", path, name, dtype, fmt::join(shape, ","), tensor->dtype,
         fmt::join(tensor->shape, ","));
  if (tensor->bytes > 0)
    std::memcpy(to, tensor->data, tensor->bytes);
}

std::string SafetensorsFile::hash() const {
  return fmt::format("{:016x}", XXH3_64bits(file.text().data(), file.text().size()));
}

} // namespace nf::rt
