#include "runtime/train/Metadata.h"

#include "runtime/core/Error.h"

namespace nf::rt {

using nlohmann::json;

static void readModel(const json &model, Metadata &out) {
  out.name = model.at("name");
  out.encoder = model.at("kind") == "encoder";
  out.masked = model.at("objective") == "masked";
  out.layers = model.at("layers");
  out.dModel = model.at("d_model");
  out.heads = model.at("heads");
  out.dFfn = model.at("d_ffn");
  out.vocab = model.at("vocab");
  out.context = model.at("context");
  out.sequence = model.at("sequence");
  out.microBatch = model.at("micro_batch");
  out.reductionSlots = model.value("reduction_slots", int64_t{1});
  out.positionOffset = model.value("position_offset", int64_t{0});
  out.precision = model.at("precision");
  out.dropout = model.value("dropout", false);
  out.documentMask = model.value("document_mask", false);
}

Metadata readMetadata(const nf_model &model) try {
  json all = json::parse(model.metadata);
  Metadata out;
  readModel(all.at("model"), out);
  out.definitionFile = all.value("definition_file", "");
  out.definition = all.value("definition", "");
  out.parameters = all.at("parameters");
  out.flopsPerToken = all.value("flops_per_token", 0.0);
  json memory = all.value("memory", json::object());
  out.memoryPersistent = memory.value("persistent", model.persistent_bytes);
  out.memoryTransient = memory.value("transient", json::object());
  out.memoryPeak = memory.value("peak", int64_t{0});
  out.memoryBound = memory.value("bound", int64_t{0});
  out.memoryRatio = memory.value("ratio", 0.0);
  out.memoryBudget = memory.value("budget", int64_t{0});
  json recomputed = memory.value("recomputed", json::object());
  out.savedBytes = recomputed.value("bytes_saved", int64_t{0});
  out.addedFlops = recomputed.value("flops_added", 0.0);
  out.addedShare = recomputed.value("flops_share", 0.0);
  json target = all.value("target", json::object());
  out.cpu = target.value("cpu", "");
  out.features = target.value("features", std::vector<std::string>{});
  out.compiler = all.value("compiler", "");
  out.compileKeys = all.value("compile_keys", json::object());
  out.runKeys = all.at("run_keys");
  return out;
} catch (const json::exception &error) {
  fail("the executable's metadata cannot be read ({}); compile the model again with the nf-compile that belongs to "
       "this runtime",
       error.what());
}

} // namespace nf::rt
