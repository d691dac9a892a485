#include "runtime/train/Checkpoint.h"

#include "runtime/core/Error.h"
#include "runtime/train/Files.h"
#include "runtime/train/Safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace nf::rt {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr int stateFormat = 1;
constexpr const char *moment1 = "moment1.", *moment2 = "moment2.";

std::string folderName(int64_t step) { return fmt::format("step-{:06}", step); }

/// The step of a folder name "step-000500", or -1.
int64_t stepOf(const std::string &name) {
  if (name.rfind("step-", 0) != 0 || name.size() < 11 || name.size() > 23 ||
      !std::all_of(name.begin() + 5, name.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return -1;
  return std::stoll(name.substr(5));
}

bool isCheckpoint(const fs::path &folder) {
  std::error_code ignored;
  return fs::exists(folder / "state.json", ignored);
}

/// Names of the complete checkpoints of a run, oldest first.
std::vector<std::string> checkpointNames(const std::string &run) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(run, error), end; !error && entry != end; entry.increment(error))
    if (stepOf(entry->path().filename()) >= 0 && isCheckpoint(entry->path()))
      names.push_back(entry->path().filename());
  std::ranges::sort(names, {}, stepOf);
  return names;
}

std::vector<int64_t> shapeOf(const nf_state &state) { return {state.shape, state.shape + state.rank}; }

std::vector<TensorView> parameterViews(Context &context) {
  std::vector<TensorView> views;
  for (const nf_state *parameter : context.parameters())
    views.push_back(viewF32(parameter->name, shapeOf(*parameter), context.fetch(*parameter)));
  return views;
}

/// Calls visit(name in the file, state) for each moment.
template <typename Visit> void forEachMoment(Context &context, Visit visit) {
  for (const nf_state &state : context.states())
    if (state.kind == NF_STATE_MOMENT1 || state.kind == NF_STATE_MOMENT2)
      visit((state.kind == NF_STATE_MOMENT1 ? moment1 : moment2) +
                std::string(context.model().states[state.parameter].name),
            state);
}

json toJson(const CheckpointState &state) {
  const Provenance &from = state.provenance;
  return {{"format", stateFormat},
          {"step", state.step},
          {"position", state.position},
          {"model", state.model},
          {"config", state.config},
          {"tokenizer_hash", state.tokenizerHash},
          {"definition", state.definition},
          {"provenance",
           {{"sequence", from.sequence},
            {"micro_batch", from.microBatch},
            {"precision", from.precision},
            {"cpu", from.cpu},
            {"compiler", from.compiler},
            {"gemm", from.gemm},
            {"compile_hash", from.compileHash},
            {"data_hash", from.dataHash}}},
          {"files", state.fileHashes}};
}

CheckpointState fromJson(const json &all) {
  if (all.at("format") != stateFormat)
    throw json::other_error::create(500, "it has another format", nullptr);
  CheckpointState state;
  state.step = all.at("step");
  state.position = all.at("position");
  state.model = all.at("model");
  state.config = all.at("config");
  state.tokenizerHash = all.at("tokenizer_hash");
  state.definition = all.at("definition");
  const json &from = all.at("provenance");
  state.provenance = {from.at("sequence"), from.at("micro_batch"), from.at("precision"),    from.at("cpu"),
                      from.at("compiler"), from.at("gemm"),        from.at("compile_hash"), from.at("data_hash")};
  state.fileHashes = all.at("files");
  if (state.step < 0 || state.position < 0 || state.provenance.sequence < 1 || !state.config.is_object())
    throw json::other_error::create(500, "a value is out of range", nullptr);
  return state;
}

/// Fills a folder that nobody looks at yet.
void writeFolder(const fs::path &folder, Context &context, CheckpointState state, const std::string &tokenizerJson) {
  std::vector<TensorView> parameters = parameterViews(context), moments;
  forEachMoment(context, [&](std::string name, const nf_state &moment) {
    moments.push_back(viewF32(std::move(name), shapeOf(moment), context.fetch(moment)));
  });
  state.fileHashes["model.safetensors"] = writeSafetensors(folder / "model.safetensors", parameters);
  state.fileHashes["optimizer.safetensors"] = writeSafetensors(folder / "optimizer.safetensors", moments);
  auto writeText = [&](const char *name, const std::string &text) {
    FileWriter file(folder / name);
    file.write(text.data(), text.size());
    return file.finish();
  };
  if (!tokenizerJson.empty())
    state.fileHashes["tokenizer.json"] = writeText("tokenizer.json", tokenizerJson);
  writeText("state.json", toJson(state).dump(1) + "\n");
  syncFolder(folder);
}

void moveInto(const fs::path &from, const fs::path &to) {
  if (std::rename(from.c_str(), to.c_str()) != 0)
    fail("{}: cannot be renamed to {}: {}", from.string(), to.filename().string(), std::strerror(errno));
}

/// Puts a finished folder in its place. An older checkpoint of the same step (a run that went back) makes room.
void publish(const fs::path &temporary, const fs::path &folder) {
  fs::path old = folder.string() + ".old";
  std::error_code ignored;
  fs::remove_all(old, ignored);
  bool replaces = fs::exists(folder);
  if (replaces)
    moveInto(folder, old);
  moveInto(temporary, folder);
  if (replaces)
    fs::remove_all(old, ignored);
}

/// A file of the checkpoint whose bytes are those that were saved.
SafetensorsFile openChecked(const CheckpointState &state, const char *name) {
  std::string path = fs::path(state.folder) / name;
  SafetensorsFile file(path);
  auto recorded = state.fileHashes.find(name);
  if (recorded == state.fileHashes.end() || recorded->second != file.hash())
    fail("{}: its bytes are not those that were saved; the checkpoint is damaged, use another one", path);
  return file;
}

void checkNames(const SafetensorsFile &file, const std::vector<std::string> &expected, const CheckpointState &state) {
  for (const std::string &name : expected)
    if (!file.find(name))
      fail("{}: the checkpoint has no tensor '{}', which this model has; it is of another model ('{}')", state.folder,
           name, state.model);
  for (auto &[name, unused] : file.tensors())
    if (std::ranges::find(expected, name) == expected.end())
      fail("{}: the checkpoint has a tensor '{}', which this model does not have; it is of another model ('{}')",
           state.folder, name, state.model);
}

} // namespace

std::string saveCheckpoint(const std::string &run, Context &context, const CheckpointState &state,
                           const std::string &tokenizerJson, int64_t keep) {
  std::string name = folderName(state.step);
  fs::path folder = fs::path(run) / name, temporary = fs::path(run) / ("." + name + ".tmp");
  std::error_code error;
  fs::remove_all(temporary, error);
  if (!fs::create_directory(temporary, error))
    fail("{}: cannot be created: {}", temporary.string(), error.message());
  try {
    writeFolder(temporary, context, state, tokenizerJson);
    publish(temporary, folder);
  } catch (const Error &) {
    fs::remove_all(temporary, error);
    throw;
  }
  syncFolder(run);
  replaceFile(fs::path(run) / "latest", name + "\n");
  std::vector<std::string> names = checkpointNames(run);
  std::erase_if(names, [&](const std::string &other) { return stepOf(other) >= state.step; });
  for (size_t i = 0; keep > 0 && i + keep <= names.size(); ++i)
    fs::remove_all(fs::path(run) / names[i], error);
  return folder;
}

std::optional<std::string> latestCheckpoint(const std::string &run) {
  fs::path latest = fs::path(run) / "latest";
  std::error_code ignored;
  if (fs::is_regular_file(latest, ignored)) {
    std::string name = readFile(latest);
    name = name.substr(0, name.find('\n'));
    if (stepOf(name) >= 0 && isCheckpoint(fs::path(run) / name))
      return fs::path(run) / name;
  }
  // The process died between the rename and the writing of latest, or the file was lost.
  std::vector<std::string> names = checkpointNames(run);
  return names.empty() ? std::nullopt : std::optional<std::string>(fs::path(run) / names.back());
}

CheckpointState readCheckpoint(const std::string &path) {
  if (!fs::exists(path))
    fail("{}: there is no such checkpoint", path);
  std::string folder = isCheckpoint(path) ? path : latestCheckpoint(path).value_or("");
  if (folder.empty())
    fail("{}: expected a checkpoint (a folder with state.json) or a run folder with one, but there is none", path);
  std::string file = fs::path(folder) / "state.json";
  try {
    CheckpointState state = fromJson(json::parse(readFile(file)));
    state.folder = folder;
    return state;
  } catch (const json::exception &error) {
    fail("{}: cannot be understood ({}); the checkpoint is damaged or of another version, use another one", file,
         error.what());
  }
}

void loadParameters(Context &context, const CheckpointState &state) {
  SafetensorsFile file = openChecked(state, "model.safetensors");
  std::vector<std::string> names;
  for (const nf_state *parameter : context.parameters())
    names.emplace_back(parameter->name);
  checkNames(file, names, state);
  for (const nf_state *parameter : context.parameters()) {
    file.read(parameter->name, "F32", shapeOf(*parameter), context.values(*parameter).data());
    context.send(*parameter);
  }
}

void loadMoments(Context &context, const CheckpointState &state) {
  SafetensorsFile file = openChecked(state, "optimizer.safetensors");
  std::vector<std::string> names;
  forEachMoment(context, [&](std::string name, const nf_state &) { names.push_back(std::move(name)); });
  checkNames(file, names, state);
  forEachMoment(context, [&](const std::string &name, const nf_state &moment) {
    file.read(name, "F32", shapeOf(moment), context.values(moment).data());
    context.send(moment);
  });
}

std::vector<std::string> bitDifferences(const Provenance &before, const Provenance &now) {
  std::vector<std::string> reasons;
  auto compare = [&](const char *what, const auto &old, const auto &current) {
    if (old != current)
      reasons.push_back(fmt::format("{} was {}, now {}", what, old, current));
  };
  compare("sequence", before.sequence, now.sequence);
  compare("micro-batch", before.microBatch, now.microBatch);
  compare("precision", before.precision, now.precision);
  compare("CPU target", before.cpu, now.cpu);
  compare("compiler", before.compiler, now.compiler);
  if (reasons.empty() && before.compileHash != now.compileHash)
    reasons.push_back("the model was compiled from another definition");
  compare("matrix products by", before.gemm, now.gemm);
  if (before.dataHash != now.dataHash)
    reasons.push_back("the data is not the same");
  return reasons;
}

int64_t checkpointBytes(const Context &context) {
  int64_t bytes = 1 << 20; // headers, tokenizer, state.json
  for (const nf_state &state : context.states())
    if (state.kind == NF_STATE_PARAMETER || state.kind == NF_STATE_MOMENT1 || state.kind == NF_STATE_MOMENT2)
      bytes += state.bytes;
  return bytes;
}

} // namespace nf::rt
