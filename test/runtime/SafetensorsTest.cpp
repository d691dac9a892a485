#include "runtime/train/Safetensors.h"

#include "runtime/train/Files.h"
#include "test/runtime/data/Support.h"

#include <cstring>
#include <functional>
#include <random>

namespace nf::rt {
namespace {

/// A file with this header text and that many data bytes.
std::string fileOf(const std::string &header, size_t dataBytes) {
  uint64_t length = header.size();
  std::string bytes(reinterpret_cast<const char *>(&length), 8);
  return bytes + header + std::string(dataBytes, '\1');
}

std::string openError(const Folder &folder, const std::string &bytes) {
  folder.write("x", bytes);
  return errorOf(folder, [&] { SafetensorsFile file(folder.at("x")); });
}

TEST(Safetensors, ReadsWhatItWrote) {
  Folder folder;
  std::vector<float> a = {1, 2, 3, 4, 5, 6}, b = {-1};
  std::vector<int32_t> c = {7, 8};
  std::string hash = writeSafetensors(folder.at("t"), std::vector<TensorView>{viewF32("a", {2, 3}, a),
                                                                              viewF32("scalar", {}, b),
                                                                              {"ids", "I32", {2}, c.data()},
                                                                              viewF32("empty", {0, 3}, {})});
  SafetensorsFile file(folder.at("t"));
  EXPECT_EQ(file.hash(), hash);
  EXPECT_EQ(hashFile(folder.at("t")), hash);
  EXPECT_EQ(file.tensors().size(), 4u);
  std::vector<float> back(6);
  file.read("a", "F32", std::vector<int64_t>{2, 3}, back.data());
  EXPECT_EQ(back, a);
  std::vector<int32_t> ids(2);
  file.read("ids", "I32", std::vector<int64_t>{2}, ids.data());
  EXPECT_EQ(ids, c);
  file.read("empty", "F32", std::vector<int64_t>{0, 3}, nullptr);
  EXPECT_EQ(errorOf(folder, [&] { file.read("a", "F32", std::vector<int64_t>{3, 2}, back.data()); }),
            "DIR/t: expected 'a' to be F32 [3,2], but it is F32 [2,3]");
  EXPECT_EQ(errorOf(folder, [&] { file.read("ids", "F32", std::vector<int64_t>{2}, back.data()); }),
            "DIR/t: expected 'ids' to be F32 [2], but it is I32 [2]");
  EXPECT_EQ(errorOf(folder, [&] { file.read("b", "F32", std::vector<int64_t>{1}, back.data()); }),
            "DIR/t: expected a tensor 'b', but there is none");
}

TEST(Safetensors, AcceptsMetadataAndAnyOrder) {
  Folder folder;
  EXPECT_EQ(openError(folder,
                      fileOf(R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
                             R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   )",
                             8)),
            "");
}

TEST(Safetensors, RefusesEveryMalformedHeader) {
  Folder folder;
  auto tensor = [](const std::string &dtype, const std::string &shape, const std::string &offsets) {
    return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  const std::pair<std::string, const char *> attacks[] = {
      {"", "is empty|only 0 bytes"},
      {"abc", "only 3 bytes"},
      {std::string(8, '\xff'), "claims 18446744073709551615 bytes"},
      {std::string("\x01\xe1\xf5\x05\0\0\0\0", 8) + std::string(100, ' '), "claims 100000001 bytes"},
      {fileOf("{}", 0).substr(0, 9), "claims 2 bytes"},
      {fileOf("not json", 0), "not a JSON object"},
      {fileOf("[]", 0), "not a JSON object"},
      {fileOf(std::string(100000, '['), 0), "header"},
      {fileOf(std::string(100000, '{'), 0), "header"},
      {fileOf("{\"a\":1}", 0), "needs a dtype"},
      {fileOf(tensor("1", "[1]", "[0,4]"), 4), "needs a dtype"},
      {fileOf(tensor("\"F32\"", "1", "[0,4]"), 4), "needs a dtype"},
      {fileOf(tensor("\"F32\"", "[-1]", "[0,4]"), 4), "needs a dtype"},
      {fileOf(tensor("\"F32\"", "[1.0]", "[0,4]"), 4), "needs a dtype"},
      {fileOf(tensor("\"F32\"", "[1]", "[0]"), 4), "needs a dtype"},
      {fileOf(tensor("\"F32\"", "[1]", "[0,4,8]"), 8), "needs a dtype"},
      {fileOf(tensor("\"F32\"", "[1]", "[-4,0]"), 4), "needs a dtype"},
      {fileOf(tensor("\"F99\"", "[1]", "[0,4]"), 4), "unknown dtype 'F99'"},
      {fileOf(tensor("\"F32\"", "[1]", "[4,0]"), 4), "does not fit"},
      {fileOf(tensor("\"F32\"", "[2]", "[0,4]"), 4), "does not fit"},
      {fileOf(tensor("\"F32\"", "[4611686018427387904,4]", "[0,0]"), 0), "does not fit"},
      {fileOf(tensor("\"F32\"", "[4294967296,4294967296]", "[0,0]"), 0), "does not fit"},
      {fileOf(tensor("\"F32\"", "[2]", "[0,8]"), 4), "the file is cut"},
      {fileOf(tensor("\"F32\"", "[1]", "[4,8]"), 8), "leave a hole"},
      {fileOf(tensor("\"F32\"", "[1]", "[0,4]"), 8), "follow the last tensor"},
      {fileOf(
           R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
           8),
       "overlap"},
      {fileOf(
           R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
           4),
       "'a' appears twice"},
      {fileOf(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4), "'dtype' appears twice"},
  };
  for (auto &[bytes, expected] : attacks) {
    std::string error = openError(folder, bytes), wanted = expected;
    size_t bar = wanted.find('|');
    bool found = error.find(wanted.substr(0, bar)) != std::string::npos ||
                 (bar != std::string::npos && error.find(wanted.substr(bar + 1)) != std::string::npos);
    EXPECT_TRUE(found) << bytes.substr(0, 150) << "\n  " << error << "\n  expected: " << wanted;
  }
}

TEST(Safetensors, SurvivesRandomDamage) {
  Folder folder;
  std::vector<float> values(64, 1.5f);
  writeSafetensors(folder.at("t"), std::vector<TensorView>{viewF32("first", {8, 4}, std::span(values).first(32)),
                                                           viewF32("second", {32}, std::span(values).last(32))});
  std::string good = folder.read("t"), hash = SafetensorsFile(folder.at("t")).hash();
  std::mt19937 random(1);
  for (int i = 0; i < 600; ++i) {
    std::string bytes = good;
    if (i % 3 == 0)
      bytes.resize(random() % bytes.size());
    else
      bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    folder.write("x", bytes);
    try {
      SafetensorsFile file(folder.at("x"));
      ASSERT_NE(file.hash(), hash); // what the form does not show, the hash does
    } catch (const Error &) {
    }
  }
}

TEST(Files, ReplaceIsAllOrNothing) {
  Folder folder;
  folder.write("latest", "old");
  replaceFile(folder.at("latest"), "new");
  EXPECT_EQ(folder.read("latest"), "new");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"latest"});
  EXPECT_NE(errorOf(folder, [&] { replaceFile(folder.at("none/latest"), "x"); }), "");
}

TEST(Files, AFullDiskIsAnErrorWithAName) {
  try {
    FileWriter file("/dev/full");
    file.write("x", 1);
    file.finish();
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "/dev/full: cannot be written: No space left on device");
  }
}

} // namespace
} // namespace nf::rt
