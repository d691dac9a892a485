"""Models of transformers that are no language models: one line says what was expected, what the file has, and how to
export."""
import subprocess
import tempfile
import unittest
import warnings
from pathlib import Path

import torch
import transformers

ROOT = Path(__file__).resolve().parents[2]
SMALL = dict(vocab_size=61, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
             max_position_embeddings=16)
IDS = torch.ones(2, 16, dtype=torch.int64)
HEAD = "; export the model with its language-modelling head (AutoModelForCausalLM, AutoModelForMaskedLM)"


class Call(torch.nn.Module):
    """One result of a model, of inputs by name."""

    def __init__(self, model, names, output):
        super().__init__()
        self.model, self.names, self.output = model, names, output

    def forward(self, *arguments):
        return self.model(**dict(zip(self.names, arguments)))[self.output]


class Images(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 32)

    def forward(self, pixel_values):
        return {"last_hidden_state": self.layer(pixel_values.flatten(1, 2))}


class Refusals(unittest.TestCase):
    maxDiff = None

    def check(self, model, inputs, output, place, message):
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = Path(folder) / "model.onnx"
            torch.onnx.export(Call(model, list(inputs), output).eval(), tuple(inputs.values()), str(file), dynamo=False, opset_version=17,
                              input_names=list(inputs), output_names=[output])
            done = subprocess.run([ROOT / "build/bin/nf-compile", file, "--train", ROOT / "models/train-defaults.toml",
                                   "-o", Path(folder) / "model"], capture_output=True, text=True)
            errors = [line for line in done.stderr.splitlines() if ": warning: " not in line]
            self.assertEqual((1, [f"{file}: error: {place}: {message}"]), (done.returncode, errors))

    def test_encoder_without_head(self):
        model = transformers.BertModel(transformers.BertConfig(**SMALL), add_pooling_layer=False)
        self.check(model, {"input_ids": IDS}, "last_hidden_state", "last_hidden_state",
                   "expected logits [batch, sequence, vocabulary], but got hidden states [2, 16, 32] that no projection "
                   "takes to the vocabulary" + HEAD)

    def test_decoder_without_head(self):
        model = transformers.OPTModel(transformers.OPTConfig(**SMALL, ffn_dim=64, word_embed_proj_dim=32,
                                                             use_cache=False))
        self.check(model, {"input_ids": IDS}, "last_hidden_state", "last_hidden_state",
                   "expected logits [batch, sequence, vocabulary], but got hidden states [2, 16, 32] that no projection "
                   "takes to the vocabulary" + HEAD)

    def test_classifier_of_sequences(self):
        model = transformers.BertForSequenceClassification(transformers.BertConfig(**SMALL, num_labels=3))
        self.check(model, {"input_ids": IDS}, "logits", "logits",
                   "expected logits [batch, sequence, vocabulary], but got numbers of whole sequences [2, 3], as a "
                   "classifier gives" + HEAD)

    def test_encoder_with_decoder(self):
        model = transformers.BartForConditionalGeneration(transformers.BartConfig(
            vocab_size=61, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
            decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=16,
            use_cache=False))
        self.check(model, {"input_ids": IDS, "decoder_input_ids": IDS[:, :8]}, "logits", "decoder_input_ids",
                   "expected one sequence of ids, but got a second one, [2, 8], as an encoder with a decoder has it; "
                   "export a model of one sequence (AutoModelForCausalLM, AutoModelForMaskedLM)")

    def test_images(self):
        self.check(Images(), {"pixel_values": torch.zeros(2, 3, 8, 8)}, "last_hidden_state", "pixel_values",
                   "expected ids [batch, sequence] of a text, but got numbers [2, 3, 8, 8], such as an image; export a "
                   "model of ids, or of a model of several kinds its part for text")


if __name__ == "__main__":
    unittest.main()
