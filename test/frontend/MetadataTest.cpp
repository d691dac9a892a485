// The JSON that the executable carries.
#include "frontend/Metadata.h"
#include "Support.h"
#include "frontend/Schema.h"

#include <nlohmann/json.hpp>

using namespace nf;
using nlohmann::json;

static CompileFacts facts() {
  CompileFacts facts;
  facts.persistentBytes = 100;
  facts.transientBytes = {{"forward_backward", 50}, {"update", 10}};
  facts.peakBytes = 105;
  facts.boundBytes = 100;
  facts.budgetBytes = 110;
  facts.savedBytes = 40;
  facts.addedFlops = 5;
  facts.microBatchFlops = 100;
  facts.cpu = "znver4";
  facts.features = {"avx2", "fma"};
  facts.compiler = "NormForge 0.1.0 (LLVM 22.1.8)";
  return facts;
}

TEST(Metadata, ModelAndFacts) {
  json data = json::parse(metadataJson(configOf(tiny, {"model.dropout=0.1"}), facts()));
  EXPECT_EQ(data["model"], json::parse(R"({"name":"m","kind":"decoder","layers":2,"d_model":8,"heads":2,"d_ffn":32,
    "vocab":32,"context":16,"sequence":16,"micro_batch":4,"precision":"fp32","objective":"causal",
    "position_offset":0,"dropout":true,"document_mask":false,"reduction_slots":1})"));
  EXPECT_EQ(data["definition_file"], "m.toml");
  EXPECT_EQ(data["parameters"], 2144);
  EXPECT_EQ(data["flops_per_token"], 12288.0);
  EXPECT_EQ(data["memory"], json::parse(R"({"persistent":100,"transient":{"forward_backward":50,"update":10},
    "peak":105,"bound":100,"ratio":1.05,"budget":110,
    "recomputed":{"bytes_saved":40,"flops_added":5,"flops_share":0.05}})"));
  EXPECT_EQ(data["target"], json::parse(R"({"cpu":"znver4","features":["avx2","fma"]})"));
  EXPECT_EQ(data["compiler"], "NormForge 0.1.0 (LLVM 22.1.8)");
}

TEST(Metadata, EveryKeyIsInOneOfTheTwoLists) {
  json data = json::parse(metadataJson(configOf(tiny), facts()));
  for (const Key &key : schemaKeys())
    EXPECT_TRUE(data[key.when == When::Run ? "run_keys" : "compile_keys"].contains(std::string(key.name))) << key.name;
  EXPECT_EQ(data["run_keys"].size() + data["compile_keys"].size(), schemaKeys().size());
}

TEST(Metadata, KeysCarryOriginLineAndWhatAFlagMaySay) {
  json data = json::parse(metadataJson(configOf(tiny + "[train]\nbeta1 = 0.8\n", {"train.lr=1e-3"}), facts()));
  EXPECT_EQ(data["compile_keys"]["model.layers"], json::parse(R"({"value":2,"origin":"definition","line":2})"));
  EXPECT_EQ(data["run_keys"]["train.beta1"],
            json::parse(R"({"value":0.8,"origin":"definition","line":8,"type":"number","low":0.0,"low_is_open":false,
              "high":1.0,"high_is_open":true,"expected":"a number from 0 to below 1",
              "doc":"AdamW's decay of the first moment"})"));
  EXPECT_EQ(data["run_keys"]["train.lr"]["origin"], "--set");
  EXPECT_EQ(data["run_keys"]["train.decay"]["choices"], json::parse(R"(["matrices","all"])"));
  EXPECT_EQ(data["run_keys"]["train.steps"]["type"], "integer");
}

TEST(Metadata, TheFolderOfABuildLeavesNoTrace) {
  ModelConfig one = *parseModelConfig(tiny, "/a/m.toml", {}).config;
  ModelConfig two = *parseModelConfig(tiny, "/b/c/m.toml", {}).config;
  EXPECT_EQ(metadataJson(one, facts()), metadataJson(two, facts()));
}
