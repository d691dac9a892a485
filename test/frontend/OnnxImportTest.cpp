// ONNX files, made here field by field: what is wrong with a file is said with its place, and shape arithmetic leaves
// no trace.
#include "frontend/onnx/Importer.h"

#include "dialect/NF.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"

#include "onnx.pb.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

using namespace mlir;
using namespace nf;
using namespace nf::onnxfe;
using ::onnx::ModelProto;
using ::onnx::NodeProto;
using ::onnx::TensorProto;
using testing::HasSubstr;

namespace {

/// A model under construction, and its folder.
class OnnxImport : public testing::Test {
protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("nf-onnx-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    model.set_ir_version(8);
    model.add_opset_import()->set_version(17);
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
      messages += diagnostic.str() + "\n";
      return success();
    });
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  void addInput(const std::string &name, int32_t type, std::vector<std::string> dims) {
    auto *input = model.mutable_graph()->add_input();
    input->set_name(name);
    auto *tensor = input->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    tensor->mutable_shape();
    for (const std::string &dim : dims) {
      bool isSymbol = dim.find_first_not_of("-0123456789") != std::string::npos;
      auto *extent = tensor->mutable_shape()->add_dim();
      isSymbol ? extent->set_dim_param(dim) : extent->set_dim_value(std::stoll(dim));
    }
  }

  NodeProto *addNode(const std::string &type, std::vector<std::string> inputs, const std::string &output) {
    NodeProto *node = model.mutable_graph()->add_node();
    node->set_op_type(type);
    node->set_name("node_" + output);
    for (const std::string &input : inputs)
      node->add_input(input);
    node->add_output(output);
    return node;
  }

  TensorProto *addFloats(const std::string &name, std::vector<int64_t> dims, size_t count) {
    TensorProto *tensor = model.mutable_graph()->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(TensorProto::FLOAT);
    for (int64_t dim : dims)
      tensor->add_dims(dim);
    for (size_t i = 0; i < count; ++i)
      tensor->add_float_data(static_cast<float>(i));
    return tensor;
  }

  void addIntegers(const std::string &name, std::vector<int64_t> values, bool isScalar = false) {
    TensorProto *tensor = model.mutable_graph()->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(TensorProto::INT64);
    if (!isScalar)
      tensor->add_dims(static_cast<int64_t>(values.size()));
    for (int64_t value : values)
      tensor->add_int64_data(value);
  }

  void addOutput(const std::string &name) { model.mutable_graph()->add_output()->set_name(name); }

  /// The import of the model's bytes, or of others. Its text is empty after errors, which are in `messages`.
  std::string import(const std::optional<std::string> &bytes = std::nullopt) {
    std::string path = (folder / "model.onnx").string();
    std::ofstream(path, std::ios::binary) << bytes.value_or(model.SerializeAsString());
    auto file = ModelFile::read(context, path);
    if (!file)
      return "";
    ImportResult result = importModel(context, *file, options);
    if (!result.module)
      return "";
    std::string text;
    llvm::raw_string_ostream stream(text);
    stream << *result.module;
    return text;
  }

  MLIRContext context;
  ModelProto model;
  ImportOptions options;
  std::filesystem::path folder;
  std::string messages;
};

} // namespace

//===------------------------------------------------------------------------------------------===//
// Files
//===------------------------------------------------------------------------------------------===//

TEST_F(OnnxImport, FileThatIsNoModel) {
  EXPECT_EQ(import("certainly no protobuf"), "");
  EXPECT_THAT(messages, HasSubstr("expected an ONNX model"));
}

TEST_F(OnnxImport, TruncatedAtEveryLength) {
  addInput("x", TensorProto::FLOAT, {"2", "3"});
  addFloats("w", {3, 4}, 12);
  addNode("MatMul", {"x", "w"}, "y");
  addOutput("y");
  std::string bytes = model.SerializeAsString();
  EXPECT_THAT(import(), HasSubstr("matmul"));
  for (size_t length = 0; length < bytes.size(); ++length)
    (void)import(bytes.substr(0, length)); // refused, or a shorter model; never a crash
}

TEST_F(OnnxImport, RandomBytes) {
  addInput("x", TensorProto::FLOAT, {"2", "3"});
  addFloats("w", {3, 4}, 12);
  addNode("Gemm", {"x", "w"}, "y");
  addOutput("y");
  std::string bytes = model.SerializeAsString();
  uint32_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string broken = bytes;
    for (int change = 0; change < 3; ++change) {
      state = state * 1664525u + 1013904223u;
      broken[(state >> 8) % broken.size()] = static_cast<char>(state >> 24);
    }
    (void)import(broken);
  }
}

TEST_F(OnnxImport, OldOpset) {
  model.mutable_opset_import(0)->set_version(9);
  addInput("x", TensorProto::FLOAT, {"2"});
  addOutput("x");
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages, HasSubstr("expected opset 13 to 25, but got 9"));
}

TEST_F(OnnxImport, InitializerOfWrongLength) {
  addFloats("short", {2, 3}, 5);
  addFloats("negative", {-2, 3}, 6);
  addFloats("huge", {int64_t(1) << 40, int64_t(1) << 40}, 1);
  addFloats("twice", {1}, 1);
  addFloats("twice", {1}, 1);
  TensorProto *raw = addFloats("raw", {2}, 0);
  raw->set_raw_data("12345");
  addOutput("short");
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages, HasSubstr("expected 6 elements, but got 5"));
  EXPECT_THAT(messages, HasSubstr("expected extents that are not negative"));
  EXPECT_THAT(messages, HasSubstr("[1099511627776, 1099511627776]"));
  EXPECT_THAT(messages, HasSubstr("expected one initializer of this name, but got two"));
  EXPECT_THAT(messages, HasSubstr("expected 2 elements of 4 bytes, but got 5 bytes"));
}

TEST_F(OnnxImport, ExternalData) {
  std::ofstream(folder / "weights.bin", std::ios::binary) << std::string(64, '\0');
  std::filesystem::create_symlink("/etc/passwd", folder / "link");
  std::filesystem::create_directory(folder / "sub");
  auto external = [&](const std::string &name, const std::string &location, const std::string &offset,
                      const std::string &length) {
    TensorProto *tensor = addFloats(name, {4}, 0);
    tensor->set_data_location(TensorProto::EXTERNAL);
    for (auto [key, value] : {std::pair("location", location), {"offset", offset}, {"length", length}}) {
      auto *entry = tensor->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
  };
  external("good", "weights.bin", "16", "16");
  external("parent", "../weights.bin", "0", "16");
  external("absolute", "/etc/passwd", "0", "16");
  external("linked", "link", "0", "16");
  external("folder", "sub", "0", "16");
  external("missing", "nothing.bin", "0", "16");
  external("beyond", "weights.bin", "9223372036854775807", "16");
  external("long", "weights.bin", "56", "16");
  external("wrapping", "weights.bin", "-1", "16");
  addOutput("good");
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages, HasSubstr("../weights.bin, which leaves it"));
  EXPECT_THAT(messages, HasSubstr("the absolute path /etc/passwd"));
  EXPECT_THAT(messages, HasSubstr("without symbolic links"));
  EXPECT_THAT(messages, HasSubstr("the regular file"));
  EXPECT_THAT(messages, HasSubstr("nothing.bin of external data, but got: No such file"));
  EXPECT_THAT(messages, HasSubstr("expected an offset inside the 64 bytes"));
  EXPECT_THAT(messages, HasSubstr("expected 16 bytes from byte 56"));
  EXPECT_THAT(messages, HasSubstr("but got '-1'"));
  EXPECT_THAT(messages, testing::Not(HasSubstr("good")));
}

//===------------------------------------------------------------------------------------------===//
// Graphs
//===------------------------------------------------------------------------------------------===//

TEST_F(OnnxImport, CyclesAndMissingValues) {
  addInput("x", TensorProto::FLOAT, {"2"});
  addNode("Add", {"x", "b"}, "a");
  addNode("Add", {"x", "a"}, "b");
  addOutput("b");
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages, HasSubstr("expected the value 'b' to come from an input, an initializer or a node before"));
}

TEST_F(OnnxImport, NamesThatComeTwice) {
  addInput("x", TensorProto::FLOAT, {"2"});
  addNode("Neg", {"x"}, "y");
  addNode("Exp", {"x"}, "y");
  addOutput("y");
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages, HasSubstr("expected one value called 'y', but got two"));
}

TEST_F(OnnxImport, EverythingUnsupportedIsListed) {
  addInput("x", TensorProto::FLOAT, {"2", "3"});
  addNode("LSTM", {"x"}, "a");
  addNode("Sin", {"x"}, "b");
  addNode("Add", {"a", "b"}, "c"); // follows from both: not named
  addNode("Sin", {"x"}, "d");
  addNode("Mystery", {"x"}, "e")->set_domain("org.example");
  for (const char *type : {"MatMulNBits", "SparseAttention", "BiasSplitGelu", "Unheard"})
    addNode(type, {"x"}, type)->set_domain("com.microsoft");
  addOutput("c");
  EXPECT_EQ(import(), "");
  const char *why = " is not supported: it has no form in training programs; instead: ";
  for (auto [type, instead] :
       {std::pair("MatMulNBits", "a model in float32"),
        std::pair("SparseAttention", "MultiHeadAttention or GroupQueryAttention without a cache"),
        std::pair("BiasSplitGelu", "a language model"),
        std::pair("Unheard", "the graph before ONNX Runtime's optimizer")})
    EXPECT_THAT(messages, HasSubstr(std::string("com.microsoft.") + type + why + instead));
  EXPECT_THAT(messages, HasSubstr("LSTM is not supported: it has no form in training programs; instead: attention"));
  EXPECT_THAT(messages, HasSubstr("Sin is not supported: it has no form in training programs (and 1 more node)"));
  EXPECT_THAT(messages, HasSubstr("org.example.Mystery is not supported"));
  EXPECT_THAT(messages, testing::Not(HasSubstr("Add")));
}

TEST_F(OnnxImport, ShapeArithmeticLeavesNoTrace) {
  addInput("x", TensorProto::FLOAT, {"batch", "6"});
  options.dims["batch"] = 4;
  addIntegers("zero", {0}, /*isScalar=*/true);
  addIntegers("rest", {-1});
  addIntegers("axis", {0});
  addNode("Shape", {"x"}, "shape");
  addNode("Gather", {"shape", "zero"}, "batch");
  addNode("Unsqueeze", {"batch", "axis"}, "row");
  auto *axis = addNode("Concat", {"row", "rest"}, "target")->add_attribute();
  axis->set_name("axis");
  axis->set_i(0);
  addNode("Transpose", {"x"}, "t");
  addNode("Reshape", {"t", "target"}, "y");
  addOutput("y");
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("reshape %0 : (tensor<6x4xf32>) -> tensor<4x6xf32>"));
  EXPECT_THAT(text, testing::Not(HasSubstr("gather")));
  EXPECT_THAT(text, testing::Not(HasSubstr("constant")));
}

TEST_F(OnnxImport, SequencesAreTheirParts) {
  addInput("x", TensorProto::FLOAT, {"4", "6"});
  addIntegers("two", {2}, /*isScalar=*/true);
  addIntegers("last", {-1}, /*isScalar=*/true);
  addIntegers("behind", {3}, /*isScalar=*/true);
  auto *axis = addNode("SplitToSequence", {"x", "two"}, "parts")->add_attribute();
  axis->set_name("axis");
  axis->set_i(1);
  NodeProto *at = addNode("SequenceAt", {"parts", "last"}, "part");
  addNode("Neg", {"part"}, "y");
  addOutput("y");
  EXPECT_THAT(import(), HasSubstr("slice %x axis 1 from 4 size 2 : (tensor<4x6xf32>) -> tensor<4x2xf32>"));
  at->set_input(1, "behind");
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages, HasSubstr("expected the index of one of 3 tensors of a sequence, but got 3"));
  at->set_op_type("Neg");
  at->mutable_input()->RemoveLast();
  EXPECT_EQ(import(), "");
}

/// Equal elements are known whatever the indices are (RoBERTa's token types); others are no table of a program.
TEST_F(OnnxImport, ElementsOfEqualOnesAreKnown) {
  addInput("input_ids", TensorProto::INT64, {"2", "4"});
  addIntegers("types", std::vector<int64_t>(10, 3));
  TensorProto *data = model.mutable_graph()->mutable_initializer(0);
  data->set_dims(0, 2);
  data->add_dims(5);
  auto *axis = addNode("GatherElements", {"types", "input_ids"}, "type")->add_attribute();
  axis->set_name("axis");
  axis->set_i(1);
  addFloats("wte", {5, 3}, 15);
  addIntegers("last", {-1});
  addNode("Gather", {"wte", "input_ids"}, "h");
  addNode("Unsqueeze", {"type", "last"}, "column");
  addNode("CastLike", {"column", "h"}, "shift");
  addNode("Add", {"h", "shift"}, "logits");
  addOutput("logits");
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("constant dense<3>"));
  EXPECT_THAT(text, testing::Not(HasSubstr("types")));
  data->set_int64_data(9, 4);
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages, HasSubstr("it picks other than one number a row"));
}

TEST_F(OnnxImport, PaddingOfAttentionHidesNothing) {
  addInput("x", TensorProto::FLOAT, {"2", "4", "6"});
  model.add_opset_import()->set_domain("com.microsoft");
  addFloats("w", {6, 18}, 108);
  addFloats("b", {18}, 18);
  addIntegers("mask", {});
  TensorProto *mask = model.mutable_graph()->mutable_initializer(2);
  NodeProto *node = addNode("Attention", {"x", "w", "b", "mask"}, "y");
  node->set_domain("com.microsoft");
  auto *heads = node->add_attribute();
  heads->set_name("num_heads");
  heads->set_i(2);
  addOutput("y");
  auto check = [&](std::vector<int64_t> dims, std::vector<int64_t> values, const std::string &expected) {
    mask->mutable_dims()->Assign(dims.begin(), dims.end());
    mask->mutable_int64_data()->Assign(values.begin(), values.end());
    messages.clear();
    EXPECT_THAT(import() + messages, HasSubstr(expected));
  };
  auto checkForms = [&] {
    check({2}, {4, 4}, " attention ");                                 // keys of each sample
    check({2}, {4, 3}, " softmax ");                                   // passes find attention with a mask
    check({4}, {4, 4, 4, 4}, "its mask of padding has the shape [4]"); // with where they begin
    check({2, 4}, {1, 1, 1, 1, 1, 1, 1, 1}, " attention ");
    check({2, 4}, {1, 1, 1, 1, 1, 1, 1, 0}, " softmax ");
  };
  checkForms();
  node->set_op_type("MultiHeadAttention");
  node->clear_input();
  for (const char *input : {"x", "x", "x", "b", "mask"})
    node->add_input(input);
  checkForms();
}

/// What an operator of attention has no form for is said of all of its nodes.
TEST_F(OnnxImport, AttentionThatIsRefused) {
  model.mutable_opset_import(0)->set_version(24);
  addInput("x", TensorProto::FLOAT, {"2", "4", "16"});
  addInput("cache", TensorProto::FLOAT, {"2", "2", "3", "8"});
  model.add_opset_import()->set_domain("com.microsoft");
  addFloats("w", {16, 48}, 768);
  addIntegers("short", {3, 2});
  addIntegers("total", {4});
  auto add = [&](const std::string &type, std::vector<std::string> inputs, const std::string &output,
                 std::map<std::string, int64_t> numbers) {
    NodeProto *node = addNode(type, std::move(inputs), output);
    node->set_domain(type == "RotaryEmbedding" ? "" : "com.microsoft");
    for (auto &[name, value] : numbers) {
      auto *attribute = node->add_attribute();
      attribute->set_name(name);
      attribute->set_i(value);
    }
    addOutput(output);
    return node;
  };
  add("MultiHeadAttention", {"x", "x", "x", "", "", "", "cache", "cache"}, "a", {{"num_heads", 2}});
  add("Attention", {"x", "w"}, "b", {{"num_heads", 2}, {"do_rotary", 1}});
  std::map<std::string, int64_t> grouped{{"num_heads", 2}, {"kv_num_heads", 2}};
  add("GroupQueryAttention", {"x", "x", "x", "", "", "short", "total"}, "c", grouped);
  add("GroupQueryAttention", {"x", "x", "x", "cache", "cache", "short", "total"}, "d", grouped);
  add("MultiHeadAttention", {"x", "x", "x"}, "e", {{"num_heads", 3}});
  add("RotaryEmbedding", {"x", "w", "w"}, "f", {{"num_heads", 2}});
  EXPECT_EQ(import(), "");
  for (const char *what :
       {"MultiHeadAttention is not supported: it has a cache; instead: export with use_cache=False",
        "Attention is not supported: it rotates inside; instead: RotaryEmbedding before MultiHeadAttention",
        "GroupQueryAttention is not supported: expected seqlens_k of 3 for each sample, without padding",
        "GroupQueryAttention is not supported: it has a cache; instead: export without a cache",
        "MultiHeadAttention is not supported: expected queries and keys of one width a head",
        "RotaryEmbedding is not supported: expected cosines and sines for every token"})
    EXPECT_THAT(messages, HasSubstr(what));
}

/// Which parameters decay follows from their rank: an embedding of one row does, a vector with more axes does not.
TEST_F(OnnxImport, TablesOfOneRowAreTables) {
  addInput("input_ids", TensorProto::INT64, {"2", "4"});
  addFloats("wte", {5, 3}, 15);
  addFloats("types", {1, 3}, 3);
  addFloats("bias", {1, 3}, 3);
  addIntegers("none", {0});
  addNode("Gather", {"wte", "input_ids"}, "h");
  addNode("Gather", {"types", "none"}, "type");
  addNode("Add", {"h", "type"}, "typed");
  addNode("Add", {"typed", "bias"}, "logits");
  addOutput("logits");
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("nf.parameter @types : tensor<1x3xf32>"));
  EXPECT_THAT(text, HasSubstr("nf.parameter @bias : tensor<3xf32>"));
}

TEST_F(OnnxImport, DimensionsThatAreNotBound) {
  addInput("x", TensorProto::FLOAT, {"rows", "6"});
  options.dims["columns"] = 4;
  addOutput("x");
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages, HasSubstr("symbolic dimension 'rows' (axis 0), but got none; give --dim rows=N"));
  messages.clear();
  options.dims["rows"] = 2;
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages, HasSubstr("expected a symbolic dimension in --dim columns=4, but the file has rows"));
}

TEST_F(OnnxImport, DimensionsThatAreBakedIn) {
  addInput("input_ids", TensorProto::INT64, {"2", "8"});
  addInput("attention_mask", TensorProto::INT64, {"batch", "8"});
  options.dims = {{"sequence", 4}, {"batch", 2}};
  addFloats("wte", {8, 4}, 32); // a weight of as many rows: not named
  addFloats("wpe", {8, 4}, 32);
  addIntegers("heads", {2, 8, 2, 2});
  addNode("Gather", {"wte", "input_ids"}, "h");
  addNode("Add", {"h", "wpe"}, "x");
  addNode("Reshape", {"x", "heads"}, "y");
  addOutput("y");
  context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    for (Diagnostic &note : diagnostic.getNotes())
      messages += note.str() + "\n";
    return failure();
  });
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages,
              HasSubstr("expected a symbolic dimension in --dim sequence=4, but the file has batch; axis 1 of "
                        "input_ids is 8, axis 1 of attention_mask is 8, fixed when it was exported"));
  EXPECT_THAT(messages, HasSubstr("dynamic_shapes=({0: \"batch\", 1: \"sequence\"}, {0: \"batch\", 1: "
                                  "\"sequence\"},))"));
  EXPECT_THAT(messages, HasSubstr("Reshape has 8 baked in: its shape [2, 8, 2, 2], 'heads'"));
  EXPECT_THAT(messages, HasSubstr("Add has 8 baked in: its operand of shape [8, 4], 'wpe'"));
  EXPECT_THAT(messages, testing::Not(HasSubstr("'wte'")));
}

TEST_F(OnnxImport, HugeShapesAreRefusedNotComputed) {
  addInput("x", TensorProto::FLOAT, {"1"});
  addIntegers("big", {int64_t(1) << 31, int64_t(1) << 31});
  addNode("Expand", {"x", "big"}, "wide");
  addNode("ConstantOfShape", {"big"}, "zeros");
  addIntegers("limit", {INT64_MAX}, /*isScalar=*/true);
  addIntegers("start", {0}, /*isScalar=*/true);
  addIntegers("step", {1}, /*isScalar=*/true);
  addNode("Range", {"start", "limit", "step"}, "count");
  addOutput("wide");
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages, HasSubstr("Expand is not supported"));
  EXPECT_THAT(messages, HasSubstr("ConstantOfShape is not supported"));
  EXPECT_THAT(messages, HasSubstr("Range is not supported"));
}

TEST_F(OnnxImport, FunctionsThatCallThemselves) {
  addInput("x", TensorProto::FLOAT, {"2"});
  addNode("Again", {"x"}, "y")->set_domain("local");
  auto *function = model.add_functions();
  function->set_name("Again");
  function->set_domain("local");
  function->add_input("a");
  function->add_output("b");
  NodeProto *call = function->add_node();
  call->set_op_type("Again");
  call->set_domain("local");
  call->add_input("a");
  call->add_output("b");
  addOutput("y");
  EXPECT_EQ(import(), "");
  EXPECT_THAT(messages, HasSubstr("expected calls that nest at most 32 deep"));
}

TEST_F(OnnxImport, LanguageModel) {
  addInput("input_ids", TensorProto::INT64, {"batch", "sequence"});
  addInput("attention_mask", TensorProto::INT64, {"batch", "sequence"});
  options.microBatch = 2;
  options.sequence = 8;
  addFloats("wte", {5, 4}, 20);
  TensorProto *copy = addFloats("lm_head", {4, 5}, 0); // the transpose of wte
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 5; ++j)
      copy->add_float_data(static_cast<float>(j * 4 + i));
  addNode("Gather", {"wte", "input_ids"}, "h");
  addNode("MatMul", {"h", "lm_head"}, "l");
  addOutput("l");
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("nf.program @forward(%tokens: tensor<2x8xi32> {nf.name = \"tokens\"}) -> "
                              "(tensor<2x8x5xf32> {nf.name = \"logits\"})"));
  EXPECT_THAT(text, HasSubstr("transpose %wte [1, 0]"));
  EXPECT_THAT(text, testing::Not(HasSubstr("@lm_head")));
  EXPECT_THAT(text, HasSubstr("vocab = 5"));
  options.retie = false;
  EXPECT_THAT(import(), HasSubstr("nf.parameter @lm_head"));
}

TEST_F(OnnxImport, OwnLoss) {
  addInput("input_ids", TensorProto::INT64, {"2", "8"});
  addInput("labels", TensorProto::INT64, {"2", "8"});
  addInput("factor", TensorProto::FLOAT, {"2", "8", "5"});
  addFloats("wte", {5, 5}, 25);
  addNode("Gather", {"wte", "input_ids"}, "logits");
  auto integer = [](NodeProto *node, const char *name, int64_t value) {
    auto *attribute = node->add_attribute();
    attribute->set_name(name);
    attribute->set_type(::onnx::AttributeProto::INT);
    attribute->set_i(value);
  };
  auto addLoss = [&](const std::string &logits, const std::string &labels, const std::string &output) {
    addIntegers(output + ".rows", {16, 5});
    addIntegers(output + ".tokens", {16});
    addNode("Reshape", {logits, output + ".rows"}, output + ".scores");
    addNode("Reshape", {labels, output + ".tokens"}, output + ".labels");
    integer(addNode("SoftmaxCrossEntropyLoss", {output + ".scores", output + ".labels"}, output), "ignore_index", -100);
    addOutput(output);
  };
  addNode("Mul", {"logits", "factor"}, "scaled");
  addLoss("logits", "labels", "loss");
  addLoss("scaled", "labels", "loss_of_factor");
  addLoss("logits", "input_ids", "loss_of_ids");
  addIntegers("cut_from", {2});
  addIntegers("cut_to", {8});
  addIntegers("cut_axis", {1});
  addNode("Slice", {"labels", "cut_from", "cut_to", "cut_axis"}, "far");
  addIntegers("far.tokens", {12});
  addNode("Reshape", {"far", "far.tokens"}, "far.labels");
  addNode("Slice", {"logits", "cut_from", "cut_to", "cut_axis"}, "near");
  addIntegers("near.rows", {12, 5});
  addNode("Reshape", {"near", "near.rows"}, "near.scores");
  addNode("SoftmaxCrossEntropyLoss", {"near.scores", "far.labels"}, "loss_two_on");
  addOutput("loss_two_on");
  addOutput("logits");

  // Without --loss-output the labels are no input of the program.
  EXPECT_THAT(import(), HasSubstr("nf.program @forward(%tokens: tensor<2x8xi32> {nf.name = \"tokens\"}) ->"));
  options.lossOutput = "loss";
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("nf.program @loss(%tokens: tensor<2x8xi32> {nf.name = \"tokens\"}, %targets: "
                              "tensor<2x8xi32> {nf.name = \"targets\"}, %loss_weight: tensor<2x8xf32>"));
  EXPECT_THAT(text, HasSubstr("nf.loss = {ignored = -100 : i64, labels = \"labels\", output = \"loss\", shift = 0"));
  for (auto [output, message] :
       {std::pair("none", "expected an output 'none' (--loss-output), but the file has loss, loss_of_factor,"),
        {"logits", "expected a scalar of float32 as the loss (--loss-output), but got float [2, 8, 5]"},
        {"loss_of_factor", "expected a loss of ids and labels, but it also depends on 'factor'"},
        {"loss_of_ids", "expected a loss of labels, but it depends on no input called labels"},
        {"loss_two_on", "expected labels that the loss reads in place, or moved by one token"}}) {
    messages.clear();
    options.lossOutput = output;
    EXPECT_EQ(import(), "");
    EXPECT_THAT(messages, HasSubstr(message));
  }
}
