// Every way in which a definition can be wrong, with the exact text that the user sees.
#include "Support.h"

using namespace nf;

TEST(ConfigErrors, UnknownKeyNamesTheNearestOne) {
  EXPECT_EQ(messages(tiny + "d_fn = 3\n"), "m.toml:7:1: error: expected a key of [model], but got 'd_fn'\n"
                                           "m.toml:7:1: note: the nearest valid key is 'd_ffn'\n");
}

TEST(ConfigErrors, UnknownKeyOfAnotherTableIsFoundThere) {
  EXPECT_EQ(messages(tiny + "schedule = \"linear\"\n"),
            "m.toml:7:1: error: expected a key of [model], but got 'schedule'\n"
            "m.toml:7:1: note: the nearest valid key is 'train.schedule'\n");
}

TEST(ConfigErrors, UnknownKeyWithoutNeighbourListsTheValidOnes) {
  EXPECT_EQ(messages(tiny + "[objective]\nxxxxxxxxxxxxxxx = 1\n"),
            "m.toml:8:1: error: expected a key of [objective], but got 'xxxxxxxxxxxxxxx'\n"
            "m.toml:8:1: note: valid keys of [objective] are kind, document_mask, mask_rate, mask_token, random_token, "
            "mask_id\n");
}

TEST(ConfigErrors, KeyOutsideTheTables) {
  EXPECT_EQ(messages("lr = 1\n" + tiny), "m.toml:1:1: error: expected a key outside the tables, but got 'lr'\n"
                                         "m.toml:1:1: note: the nearest valid key is 'train.lr'\n");
}

TEST(ConfigErrors, UnknownTable) {
  EXPECT_EQ(messages(tiny + "[trian]\nlr = 1\n"),
            "m.toml:7:2: error: expected one of the tables [model], [norm], [train], [objective], but got [trian]\n"
            "m.toml:7:2: note: the nearest valid table is [train]\n");
}

TEST(ConfigErrors, TableThatIsAValue) {
  EXPECT_EQ(messages("norm = 1\n" + tiny), "m.toml:1:8: error: expected a table [norm], but got 1\n"
                                           "m.toml:1:8: note: write the line [norm] and its keys below it\n");
}

TEST(ConfigErrors, MissingKeys) {
  EXPECT_EQ(messages("[model]\nlayers = 2\nd_model = 8\nheads = 2\nvocab = 32\n"),
            "m.toml:1:2: error: expected an integer from 1 to 1048576 for model.context, but got none\n"
            "m.toml:1:2: note: positions: the longest text that the model can see\n");
  EXPECT_EQ(messages("[train]\n").substr(0, 94),
            "m.toml:1:1: error: expected an integer from 1 to 1024 for model.heads, but got none\n"
            "m.toml:1:1");
}

TEST(ConfigErrors, EmptyFileMissesEveryRequiredKey) {
  EXPECT_EQ(parseModelConfig("", "m.toml", {}).diagnostics.size(), 5u);
}

TEST(ConfigErrors, WrongTypes) {
  EXPECT_EQ(messages(tiny + "d_ffn = \"twelve\"\nbias = 1\ndropout = true\nactivation = 3\npositions = [1]\n"
                            "init = 1979-05-27\nkind.x = 1\n"),
            "m.toml:7:9: error: expected an integer from 1 to 262144 for model.d_ffn, but got \"twelve\"\n"
            "m.toml:7:9: note: width inside the feed-forward network\n"
            "m.toml:8:8: error: expected true or false for model.bias, but got 1\n"
            "m.toml:8:8: note: biases of the linears (LayerNorms always have theirs)\n"
            "m.toml:9:11: error: expected a number from 0 to below 1 for model.dropout, but got true\n"
            "m.toml:9:11: note: rate after the embeddings and on the output of attention and of the feed-forward "
            "network\n"
            "m.toml:10:14: error: expected one of gelu, gelu_tanh, relu, relu2, silu for model.activation, but got 3\n"
            "m.toml:10:14: note: between the two linears of the feed-forward network; gelu is the exact one (erf), "
            "relu2 is relu squared\n"
            "m.toml:11:13: error: expected one of learned, sinusoidal for model.positions, but got an array\n"
            "m.toml:11:13: note: position embeddings\n"
            "m.toml:12:8: error: expected one of gpt2, fairseq for model.init, but got a date or time\n"
            "m.toml:12:8: note: initial values of the parameters\n"
            "m.toml:13:1: error: expected one of decoder, encoder for model.kind, but got a table\n"
            "m.toml:13:1: note: decoder: each token attends to itself and earlier ones; encoder: to all\n");
}

TEST(ConfigErrors, FloatIsNoInteger) {
  EXPECT_EQ(messages(tiny + "d_ffn = 32.0\n"),
            "m.toml:7:9: error: expected an integer from 1 to 262144 for model.d_ffn, but got 32\n"
            "m.toml:7:9: note: width inside the feed-forward network\n");
}

TEST(ConfigErrors, UnknownChoiceNamesTheNearestOne) {
  EXPECT_EQ(messages(tiny + "activation = \"gleu\"\n"),
            "m.toml:7:14: error: expected one of gelu, gelu_tanh, relu, relu2, silu for model.activation, but got "
            "\"gleu\"\n"
            "m.toml:7:14: note: the nearest valid value is \"gelu\"\n");
}

TEST(ConfigErrors, OutOfRange) {
  EXPECT_EQ(messages("[model]\nlayers = 0\nd_model = 8\nheads = 2\nvocab = 1099511627776\ncontext = 0\n"
                     "embedding_scale = 0\n[train]\nmicro_batch = 0\nbeta1 = 1.0\nlr = nan\nclip = -1\nwarmup = inf\n"),
            "m.toml:2:10: error: expected an integer from 1 to 1024 for model.layers, but got 0\n"
            "m.toml:2:10: note: transformer blocks\n"
            "m.toml:5:9: error: expected an integer from 2 to 65536 for model.vocab, but got 1099511627776\n"
            "m.toml:5:9: note: tokens in the vocabulary (ids are stored in 16 bits)\n"
            "m.toml:6:11: error: expected an integer from 1 to 1048576 for model.context, but got 0\n"
            "m.toml:6:11: note: positions: the longest text that the model can see\n"
            "m.toml:7:19: error: expected a number above 0 and up to 1000000 or \"sqrt(d_model)\" for "
            "model.embedding_scale, but got 0\n"
            "m.toml:7:19: note: factor of the token embeddings before positions are added\n"
            "m.toml:9:15: error: expected an integer from 1 to 65536 for train.micro_batch, but got 0\n"
            "m.toml:9:15: note: sequences in one forward and backward pass\n"
            "m.toml:10:9: error: expected a number from 0 to below 1 for train.beta1, but got 1\n"
            "m.toml:10:9: note: AdamW's decay of the first moment\n"
            "m.toml:11:6: error: expected a number of at least 0 for train.lr, but got nan\n"
            "m.toml:11:6: note: peak learning rate\n"
            "m.toml:12:8: error: expected a number of at least 0 for train.clip, but got -1\n"
            "m.toml:12:8: note: largest norm of the whole gradient; 0: off\n"
            "m.toml:13:10: error: expected a number of at least 0 for train.warmup, but got inf\n"
            "m.toml:13:10: note: steps of linear warmup; below 1: that fraction of all steps\n");
}

TEST(ConfigErrors, VocabularyBeyondTheShardFormat) {
  EXPECT_EQ(messages(tiny, {"model.vocab=65537"}),
            "--set model.vocab=65537: error: expected an integer from 2 to 65536 for model.vocab, but got 65537\n"
            "--set model.vocab=65537: note: tokens in the vocabulary (ids are stored in 16 bits)\n");
}

TEST(ConfigErrors, HeadsDoNotDivideTheWidth) {
  EXPECT_EQ(messages("[model]\nlayers = 2\nd_model = 768\nheads = 10\nvocab = 32\ncontext = 16\n"),
            "m.toml:4:9: error: expected heads to divide d_model, but got 10 heads and d_model 768\n"
            "m.toml:4:9: note: 8 heads divide 768\n");
}

TEST(ConfigErrors, SequenceBeyondTheContext) {
  EXPECT_EQ(messages(tiny + "[train]\nsequence = 17\n"),
            "m.toml:8:12: error: expected a sequence of at most the context of 16, but got 17\n"
            "m.toml:8:12: note: lower train.sequence or raise model.context\n");
}

TEST(ConfigErrors, ObjectiveThatTheKindCannotTrain) {
  EXPECT_EQ(messages(tiny + "kind = \"encoder\"\n[objective]\nkind = \"causal\"\n"),
            "m.toml:9:8: error: expected objective.kind = \"masked\" for an encoder, but got \"causal\"\n"
            "m.toml:9:8: note: an encoder sees the token that it would have to predict; use kind = \"decoder\" for "
            "causal training\n");
  EXPECT_EQ(messages(tiny, {"objective.kind=masked"}),
            "--set objective.kind=masked: error: expected objective.kind = \"causal\" for a decoder, but got "
            "\"masked\"\n"
            "--set objective.kind=masked: note: use kind = \"encoder\" for masked training\n");
}

TEST(ConfigErrors, MaskIdBeyondTheVocabulary) {
  EXPECT_EQ(messages(tiny + "kind = \"encoder\"\n[objective]\nmask_id = 32\n"),
            "m.toml:9:11: error: expected a mask_id below the vocabulary of 32, but got 32\n"
            "m.toml:9:11: note: ids count from 0\n");
}

TEST(ConfigErrors, MaskSharesAboveOne) {
  EXPECT_EQ(messages(tiny + "kind = \"encoder\"\n[objective]\nrandom_token = 0.3\n"),
            "m.toml:9:16: error: expected mask_token and random_token to sum to at most 1, but got 0.8 and 0.3\n"
            "m.toml:9:16: note: what is left of 1 is the share that keeps its token\n");
}

TEST(ConfigErrors, SinusoidsNeedAnEvenWidth) {
  EXPECT_EQ(messages(tiny + "positions = \"sinusoidal\"\n", {"model.d_model=9", "model.heads=3"}),
            "m.toml:7:13: error: expected an even d_model for sinusoidal positions, but got 9\n"
            "m.toml:7:13: note: change d_model, or use positions = \"learned\"\n");
}

TEST(ConfigErrors, WarmupOfAFractionOfAStep) {
  EXPECT_EQ(messages(tiny + "[train]\nwarmup = 1.5\n"),
            "m.toml:8:10: error: expected whole steps or a fraction below 1 of warmup, but got 1.5\n"
            "m.toml:8:10: note: 1 steps, perhaps\n");
}

TEST(ConfigErrors, StepsAndTokensTogether) {
  EXPECT_EQ(messages(tiny + "[train]\nsteps = 10\ntokens = 5000\n"),
            "m.toml:9:10: error: expected steps or tokens, but got both: 10 and 5000\n"
            "m.toml:9:10: note: remove one of them\n");
}

TEST(ConfigErrors, NameWithOddCharacters) {
  EXPECT_EQ(messages("name = \"a/b\"\n" + tiny),
            "m.toml:1:8: error: expected a name of letters, digits, '.', '_' and '-' for name, but got \"a/b\"\n"
            "m.toml:1:8: note: what reports and checkpoints call the model\n");
}

TEST(ConfigErrors, AllInOneGoInTheOrderOfTheFile) {
  EXPECT_EQ(messages("[model]\nlayers = -1\nheads = 3\nvocab = 32\ncontext = 16\nd_model = 8\n[norm]\nep = 1\n"
                     "[train]\nsequence = 99\n",
                     {"norm.placement=mid"}),
            "m.toml:2:10: error: expected an integer from 1 to 1024 for model.layers, but got -1\n"
            "m.toml:2:10: note: transformer blocks\n"
            "m.toml:3:9: error: expected heads to divide d_model, but got 3 heads and d_model 8\n"
            "m.toml:3:9: note: 2 heads divide 8\n"
            "m.toml:8:1: error: expected a key of [norm], but got 'ep'\n"
            "m.toml:8:1: note: the nearest valid key is 'eps'\n"
            "m.toml:10:12: error: expected a sequence of at most the context of 16, but got 99\n"
            "m.toml:10:12: note: lower train.sequence or raise model.context\n"
            "--set norm.placement=mid: error: expected one of pre, post for norm.placement, but got \"mid\"\n"
            "--set norm.placement=mid: note: pre: LayerNorm before attention and feed-forward; post: after their "
            "residual additions\n");
}

TEST(ConfigErrors, Syntax) {
  std::string text = messages("[model]\nlayers 12\n");
  EXPECT_TRUE(text.starts_with("m.toml:2:8: error: expected TOML, but got a syntax error: ")) << text;
  EXPECT_TRUE(messages(tiny + "layers = 3\n").starts_with("m.toml:7:")) << "a key given twice";
  EXPECT_TRUE(messages(std::string("a = \"\0\"\n", 9)).starts_with("m.toml:1:")) << "NUL bytes";
  EXPECT_TRUE(messages("a = \"\xff\xfe\"\n").starts_with("m.toml:1:")) << "no UTF-8";
  EXPECT_TRUE(messages("\x7f"
                       "ELF\x02\x01")
                  .starts_with("m.toml:1:1: error: expected TOML"))
      << "a foreign file";
}

TEST(ConfigErrors, CharactersOutsideStrings) {
  std::string help = ": note: docs/model-definition.md shows a complete definition\n";
  EXPECT_EQ(messages("[model]\n# Ü\nname = \"Ü\" Ù\n"),
            "m.toml:3:12: error: expected TOML, but got a character beyond ASCII outside strings and comments\n"
            "m.toml:3:12" +
                help);
  EXPECT_EQ(messages("[model]\nlayers = 2\n[ # norm\n"),
            "m.toml:3:3: error: expected TOML, but got a table header without a key\nm.toml:3:3" + help);
  EXPECT_EQ(messages("\xEF\xBB\xBF" + tiny + "init = \"gpt2\" # \"Ü\n"), "") << "a byte order mark, a comment";
  EXPECT_TRUE(messages(tiny, {"model.init=Ù"}).starts_with("--set model.init=Ù: error: expected one of gpt2, fairseq"));
}

TEST(ConfigErrors, ReductionSlots) {
  EXPECT_EQ(messages(tiny + "[train]\nreduction_slots = 8\n"), "") << "the global batch fits by default";
  EXPECT_EQ(messages(tiny + "[train]\nreduction_slots = 6\n"),
            "m.toml:8:19: error: expected a power of two as the number of reduction slots, but got 6\n"
            "m.toml:8:19: note: 4 or 8, perhaps\n");
  EXPECT_EQ(messages(tiny + "[train]\nreduction_slots = 4\nglobal_batch = 18\n"),
            "m.toml:9:16: error: expected a multiple of the 4 reduction slots as the number of micro-batches, but got "
            "5 of 4 sequences for a global_batch of 18\n"
            "m.toml:9:16: note: set global_batch to 32\n");
}

TEST(ConfigErrors, Overrides) {
  EXPECT_EQ(messages(tiny, {"norm.preset"}), "--set norm.preset: error: expected key=value, but got 'norm.preset'\n"
                                             "--set norm.preset: note: for example: --set norm.preset=normformer\n");
  EXPECT_EQ(messages(tiny, {"norm.prest=1"}), "--set norm.prest=1: error: expected a key of [norm], but got 'prest'\n"
                                              "--set norm.prest=1: note: the nearest valid key is 'preset'\n");
  EXPECT_EQ(messages(tiny, {"nrom.preset=1"}), "--set nrom.preset=1: error: expected one of the tables [model], "
                                               "[norm], [train], [objective], but got [nrom]\n"
                                               "--set nrom.preset=1: note: the nearest valid table is [norm]\n");
  EXPECT_EQ(messages(tiny, {"lr=1"}), "--set lr=1: error: expected a key outside the tables, but got 'lr'\n"
                                      "--set lr=1: note: the nearest valid key is 'train.lr'\n");
  EXPECT_EQ(messages(tiny, {"train.lr="}),
            "--set train.lr=: error: expected a number of at least 0 for train.lr, but got \"\"\n"
            "--set train.lr=: note: peak learning rate\n");
}

TEST(ConfigErrors, FilesThatAreNoDefinition) {
  auto load = [](const std::string &path) {
    std::string all;
    for (const ConfigDiagnostic &diagnostic : loadModelConfig(path, {}).diagnostics)
      all += diagnostic.str();
    return all;
  };
  EXPECT_EQ(load("/nowhere/m.toml"),
            "/nowhere/m.toml: error: expected a readable file, but got: No such file or directory\n"
            "/nowhere/m.toml: note: check the path; models/ holds definitions to start from\n");
  EXPECT_EQ(load("/tmp"), "/tmp: error: expected a model definition, but got a folder\n"
                          "/tmp: note: name a .toml file, such as one of models/\n");
  EXPECT_EQ(load("/dev/zero"), "/dev/zero: error: expected a model definition of at most 1 MB, but got a larger file\n"
                               "/dev/zero: note: name a .toml file, such as one of models/\n");
}

TEST(ConfigErrors, NormFormerWithGpt2InitWarnsOnce) {
  EXPECT_EQ(messages(tiny + "init = \"gpt2\"\n", {"norm.preset=normformer"}),
            "m.toml:7:8: warning: expected init = \"fairseq\" with NormFormer operations, but got \"gpt2\"\n"
            "m.toml:7:8: note: a small model trained this way ended at perplexity 162 instead of 71; set model.init = "
            "\"fairseq\" and model.embedding_scale = \"sqrt(d_model)\", or norm.preset = \"normformer\"\n");
  for (const char *operation : {"norm.attention_layernorm=true", "norm.ffn_layernorm=true", "norm.head_scale=post_proj",
                                "norm.residual_scale=true"})
    EXPECT_TRUE(
        messages(tiny, {operation}).starts_with(std::string("--set ") + operation + ": warning: expected init"));
  EXPECT_EQ(messages(tiny, {"norm.head_scale=pre_proj", "model.init=fairseq"}), "");
}
