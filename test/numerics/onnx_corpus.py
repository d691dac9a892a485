"""Small language models of the usual packages, with random weights, and how PyTorch exports them to ONNX.

  onnx_corpus.py FOLDER [NAME ...]     writes the files, for a look at them

The tests make the files once and keep them in the build tree, by a key of this file and of the versions of the packages.
An entry's file and its model belong together: both come from the same seed.
"""
import copy
import hashlib
import importlib.metadata
import logging
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import torch
from torch import nn

from torch_model import Config, Model

V, T, D, HEADS, F, LAYERS, BATCH = 61, 16, 32, 4, 64, 2, 2
PACKAGES = ("torch", "onnx", "onnxscript", "transformers", "x-transformers", "torchscale", "open-clip-torch", "timm",
            "onnxruntime")


@dataclass
class Entry:
    name: str
    source: str  # package and model
    make: Callable  # () -> a module from ids [B, T], and what `inputs` adds, to logits [B, T, V]
    exporter: str  # "dynamo", "dynamo, not optimized" or "TorchScript"; with ONNX Runtime's fusions after it
    opset: int
    layers: str  # of each layer: placement and NormFormer's operations, as --explain finds them; "" where none is found
    ops: str  # composite ops of the raised graph: "2 attention, 5 layer_norm"
    symbolic: bool = False  # batch and sequence
    masked: bool = False  # an attention mask is a second input
    frozen: tuple = ()  # patterns of the parameters that the exporter folded away: the file has no such parameter
    plus_one: tuple = ()  # patterns of the parameters that the exporter added 1 to
    fused: str = ""  # the kind of model that ONNX Runtime's optimizer of transformers took it for
    half: torch.dtype | None = None  # of weights and graph; the truth has the rounded weights
    padding: int | None = None  # the id that the model reads as padding, which batches must contain

    @property
    def slow(self):
        return self.name not in QUICK


class Call(nn.Module):
    """Logits of a model whose forward has more arguments and results."""

    def __init__(self, model, call=lambda model, ids, *mask: model(ids)):
        super().__init__()
        self.model, self.call = model, call

    def forward(self, ids, *mask):
        return self.call(self.model, ids, *mask)


class WithMask(Call):
    def forward(self, input_ids, attention_mask):  # exporters of a scripted graph want names, not *mask
        return self.call(self.model, input_ids, attention_mask)


class WithoutMask(Call):
    def forward(self, input_ids):
        return self.call(self.model, input_ids)


#===-- transformers ------------------------------------------------------------------------------------------------===#


def from_transformers(kind, config, **keys):
    import transformers

    cached = {} if kind.endswith("MaskedLM") else {"use_cache": False}

    def call(model, ids, mask=None):
        return model(input_ids=ids, attention_mask=mask, **cached).logits

    settings = dict(vocab_size=V, hidden_size=D, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                    intermediate_size=F, max_position_embeddings=T)
    return getattr(transformers, kind)(getattr(transformers, config)(**settings | keys)), call


def gpt2(**keys):
    return from_transformers("GPT2LMHeadModel", "GPT2Config", n_inner=F, **keys)


def opt(**keys):
    return from_transformers("OPTForCausalLM", "OPTConfig", **dict(ffn_dim=F, word_embed_proj_dim=D) | keys)


def bert(**keys):
    return from_transformers("BertForMaskedLM", "BertConfig", **keys)


def roberta():
    """Positions count the tokens that are no padding: from 2, and 1 for padding, as the ids tell."""
    model, call = from_transformers("RobertaForMaskedLM", "RobertaConfig", max_position_embeddings=T + 2,
                                    type_vocab_size=1)
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.padding_idx = None  # a file does not say that padding's row has no gradient
    return model, call


def neox(**keys):
    return from_transformers("GPTNeoXForCausalLM", "GPTNeoXConfig", **keys)


def llama(**keys):
    return from_transformers("LlamaForCausalLM", "LlamaConfig", **dict(num_key_value_heads=HEADS) | keys)


#===-- other packages ----------------------------------------------------------------------------------------------===#


def x_transformer(encoder=False, **keys):
    import x_transformers

    kind = x_transformers.Encoder if encoder else x_transformers.Decoder
    layers = kind(dim=D, depth=LAYERS, heads=HEADS, attn_dim_head=D // HEADS, ff_mult=2, **keys)
    return x_transformers.TransformerWrapper(num_tokens=V, max_seq_len=T, attn_layers=layers), plain_call


def plain_call(model, ids, *mask):
    return model(ids)


def torchscale_decoder(**keys):
    from torchscale.architecture.config import DecoderConfig
    from torchscale.architecture.decoder import Decoder

    config = DecoderConfig(decoder_embed_dim=D, decoder_attention_heads=HEADS, decoder_ffn_embed_dim=F,
                           decoder_layers=LAYERS, vocab_size=V, **keys)
    return Decoder(config, embed_tokens=nn.Embedding(V, D)), lambda model, ids: model(ids)[0]


def clip_text():
    """open_clip's text tower up to its tokens' vectors, with a projection to the vocabulary."""
    from open_clip.transformer import TextTransformer

    tower = TextTransformer(context_length=T, vocab_size=V, width=D, heads=HEADS, layers=LAYERS, mlp_ratio=2,
                            output_dim=V, pool_type="none")
    return tower, plain_call


class Blocks(nn.Module):
    """timm's vision transformer blocks between an embedding and a projection."""

    def __init__(self, kind, **keys):
        super().__init__()
        from timm.models import vision_transformer

        self.embed = nn.Embedding(V, D)
        self.position = nn.Embedding(T, D)
        self.blocks = nn.ModuleList(getattr(vision_transformer, kind)(D, HEADS, mlp_ratio=2, qkv_bias=True, **keys)
                                    for _ in range(LAYERS))
        self.norm, self.head = nn.LayerNorm(D), nn.Linear(D, V)

    def forward(self, ids):
        x = self.embed(ids) + self.position(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def timm_blocks(kind, **keys):
    return Blocks(kind, **keys), plain_call


def ours(**keys):
    small = dict(layers=LAYERS, d_model=D, heads=HEADS, d_ffn=F, vocab=V, context=T)
    return Model(Config(**small | keys)), lambda model, ids: model(ids, torch.arange(ids.shape[1]).repeat(len(ids), 1))


NORMFORMER = dict(attention_layernorm=True, ffn_layernorm=True, head_scale="pre_proj", residual_scale=True)

#===-- the entries ------------------------------------------------------------------------------------------------===#

ENTRIES = []


def add(name, source, make, exporter, opset, layers, ops, **keys):
    ENTRIES.append(Entry(name, source, make, exporter, opset, layers, ops, **keys))


DYNAMO, WHOLE, SCRIPT = "dynamo", "dynamo, not optimized", "TorchScript"
FUSED = SCRIPT + ", ONNX Runtime's fusions"
EAGER = dict(attn_implementation="eager")
add("gpt2-13", "transformers GPT-2", lambda: gpt2(**EAGER), SCRIPT, 13, masked=True,
    layers="2 pre gelu_tanh",
    ops="2 attention, 5 layer_norm, 2 gelu_tanh, 8 linear, 1 embedding")
add("gpt2-14", "transformers GPT-2", gpt2, SCRIPT, 14, masked=True,
    layers="2 pre gelu_tanh",
    ops="2 attention, 5 layer_norm, 2 gelu_tanh, 8 linear, 1 embedding")
add("gpt2-18", "transformers GPT-2", gpt2, DYNAMO, 18, symbolic=True,
    layers="2 pre gelu_tanh",
    ops="2 attention, 5 layer_norm, 2 gelu_tanh, 8 linear, 1 embedding")
add("gpt2-20", "transformers GPT-2", gpt2, WHOLE, 20,
    layers="2 pre gelu_tanh",
    ops="2 attention, 5 layer_norm, 2 gelu_tanh, 8 linear, 1 embedding")
add("opt-14", "transformers OPT", opt, SCRIPT, 14, masked=True,
    layers="2 pre relu",
    ops="2 attention, 5 layer_norm, 2 relu, 12 linear, 1 embedding")
add("opt-post-15", "transformers OPT, Post-LN, projected embeddings",
    lambda: opt(do_layer_norm_before=False, word_embed_proj_dim=16), SCRIPT, 15, masked=True,
    layers="2 post relu",
    ops="2 attention, 4 layer_norm, 2 relu, 14 linear, 1 embedding")
add("opt-19", "transformers OPT", opt, DYNAMO, 19, frozen=["model.decoder.embed_positions.weight"],
    layers="2 pre relu",
    ops="2 attention, 5 layer_norm, 2 relu, 12 linear, 1 embedding")
add("bert-14", "transformers BERT", bert, SCRIPT, 14, masked=True,
    layers="2 post gelu",
    ops="2 attention, 6 layer_norm, 3 gelu, 13 linear, 1 embedding")
add("bert-21", "transformers BERT", bert, DYNAMO, 21, symbolic=True,
    layers="2 post gelu",
    ops="2 attention, 6 layer_norm, 3 gelu, 13 linear, 1 embedding")
add("bert-fused-14", "transformers BERT", lambda: bert(**EAGER), FUSED, 14, masked=True, fused="bert",
    layers="2 post gelu",
    ops="2 attention, 6 layer_norm, 3 gelu, 9 linear, 1 embedding")
add("gpt2-fused-14", "transformers GPT-2", lambda: gpt2(**EAGER), FUSED, 14, masked=True, fused="gpt2",
    layers="2 pre gelu_tanh",
    ops="2 attention, 5 layer_norm, 2 gelu_tanh, 8 linear, 1 embedding")
add("bert-fused-sdpa-14", "transformers BERT, SDPA", bert, FUSED, 14, masked=True, fused="bert",
    layers="2 post gelu",
    ops="2 attention, 6 layer_norm, 3 gelu, 13 linear, 1 embedding")
add("gpt2-fused-sdpa-17", "transformers GPT-2, SDPA", gpt2, FUSED, 17, masked=True, fused="gpt2",
    layers="2 pre gelu_tanh",
    ops="2 attention, 5 layer_norm, 2 gelu_tanh, 8 linear, 1 embedding")
add("roberta-fused-14", "transformers RoBERTa", roberta, FUSED, 14, masked=True, fused="bert", padding=1,
    layers="2 post gelu",
    ops="2 attention, 6 layer_norm, 3 gelu, 13 linear, 2 embedding")
add("opt-fused-14", "transformers OPT", opt, FUSED, 14, masked=True, fused="gpt2",
    layers="2 pre relu",
    ops="2 attention, 5 layer_norm, 2 relu, 12 linear, 1 embedding")
HALF, BFLOAT = dict(half=torch.float16), dict(half=torch.bfloat16)
add("gpt2-half-17", "transformers GPT-2, float16", gpt2, SCRIPT, 17, masked=True, **HALF,
    layers="2 pre gelu_tanh",
    ops="2 attention, 5 layer_norm, 2 gelu_tanh, 8 linear, 1 embedding")
add("gpt2-half-18", "transformers GPT-2, float16", lambda: gpt2(**EAGER), DYNAMO, 18, symbolic=True, **HALF,
    layers="2 pre gelu_tanh",
    ops="2 attention, 5 layer_norm, 2 gelu_tanh, 8 linear, 1 embedding")
add("opt-bfloat-18", "transformers OPT, bfloat16", opt, WHOLE, 18, **BFLOAT,
    layers="2 pre relu",
    ops="2 attention, 5 layer_norm, 2 relu, 12 linear, 1 embedding")
add("bert-bfloat-20", "transformers BERT, bfloat16", bert, DYNAMO, 20, symbolic=True, **BFLOAT,
    layers="2 post gelu",
    ops="2 attention, 6 layer_norm, 3 gelu, 13 linear, 1 embedding")
add("bert-half-14", "transformers BERT, float16", lambda: bert(**EAGER), SCRIPT, 14, masked=True, **HALF,
    layers="2 post gelu",
    ops="2 attention, 6 layer_norm, 3 gelu, 13 linear, 1 embedding")
add("roberta-14", "transformers RoBERTa", roberta, SCRIPT, 14, masked=True, padding=1,
    layers="2 post gelu",
    ops="2 attention, 6 layer_norm, 3 gelu, 13 linear, 2 embedding")
add("roberta-18", "transformers RoBERTa", roberta, WHOLE, 18, padding=1,
    layers="2 post gelu",
    ops="2 attention, 6 layer_norm, 3 gelu, 13 linear, 2 embedding")
add("roberta-21", "transformers RoBERTa", roberta, DYNAMO, 21, symbolic=True, padding=1,
    layers="2 post gelu",
    ops="2 attention, 6 layer_norm, 3 gelu, 13 linear, 2 embedding")
add("neox-16", "transformers GPT-NeoX, sequential residual", lambda: neox(use_parallel_residual=False), SCRIPT, 16,
    masked=True,
    layers="2 pre gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 8 linear, 1 embedding")
add("neox-parallel-17", "transformers GPT-NeoX, parallel residual", neox, SCRIPT, 17, masked=True,
    layers="2 parallel gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 8 linear, 1 embedding")
add("neox-parallel-18", "transformers GPT-NeoX, parallel residual", neox, DYNAMO, 18, symbolic=True,
    layers="2 parallel gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 8 linear, 1 embedding")
add("neox-23", "transformers GPT-NeoX, sequential residual", lambda: neox(use_parallel_residual=False), DYNAMO, 23,
    layers="2 pre gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 8 linear, 1 embedding")
XT = "x-transformers decoder"
XT_NORMFORMER = dict(sandwich_norm=True, ff_post_act_ln=True, scale_residual=True)
add("llama-17", "transformers Llama", lambda: llama(**EAGER), SCRIPT, 17, masked=True,
    layers="2 pre silu",
    ops="2 attention, 2 silu, 14 linear, 1 embedding")
add("llama-20", "transformers Llama", llama, DYNAMO, 20,
    layers="2 pre silu",
    ops="2 attention, 2 silu, 14 linear, 1 embedding")
add("llama-grouped-23", "transformers Llama, 2 key heads", lambda: llama(num_key_value_heads=2), WHOLE, 23,
    layers="2 pre silu",
    ops="2 attention, 2 silu, 14 linear, 1 embedding")
add("xt-rms-17", XT + ", RMSNorm, SwiGLU", lambda: x_transformer(use_rmsnorm=True, ff_swish=True, ff_glu=True), SCRIPT, 17,
    frozen=["pos_emb.*"], plus_one=["*.g"],
    layers="2 pre silu",
    ops="2 attention, 2 silu, 12 linear, 1 embedding")
add("xt-17", XT, x_transformer, SCRIPT, 17, frozen=["pos_emb.*"], plus_one=["*.gamma"],
    layers="2 pre gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 12 linear, 1 embedding")
add("xt-alibi-17", XT + ", ALiBi", lambda: x_transformer(alibi_pos_bias=True), SCRIPT, 17,
    frozen=["pos_emb.*"], plus_one=["*.gamma"],
    layers="",
    ops="2 softmax, 5 layer_norm, 2 gelu, 12 linear, 1 embedding")
add("xt-kv-heads-18", XT + ", one key head", lambda: x_transformer(attn_one_kv_head=True), SCRIPT, 18,
    frozen=["pos_emb.*"], plus_one=["*.gamma"],
    layers="",
    ops="2 softmax, 5 layer_norm, 2 gelu, 12 linear, 1 embedding")
add("xt-encoder-18", "x-transformers encoder", lambda: x_transformer(encoder=True), SCRIPT, 18,
    frozen=["pos_emb.*"], plus_one=["*.gamma"],
    layers="2 pre gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 12 linear, 1 embedding")
add("xt-20", XT, x_transformer, WHOLE, 20,
    layers="2 pre gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 12 linear, 1 embedding")
add("xt-normformer-17", XT + ", NormFormer's norms, scaled residuals",
    lambda: x_transformer(**XT_NORMFORMER), SCRIPT, 17,
    frozen=["pos_emb.*"], plus_one=["*layers.?.0.?.gamma", "*final_norm.gamma"],
    layers="2 pre attention-LN FFN-LN ResScale gelu",
    ops="2 attention, 11 layer_norm, 2 gelu, 4 residual_scale, 12 linear, 1 embedding")
add("xt-normformer-20", XT + ", NormFormer's norms, scaled residuals",
    lambda: x_transformer(**XT_NORMFORMER), WHOLE, 20,
    layers="2 pre attention-LN FFN-LN ResScale gelu",
    ops="2 attention, 11 layer_norm, 2 gelu, 4 residual_scale, 12 linear, 1 embedding")
add("xt-rotary-20", XT + ", rotary", lambda: x_transformer(rotary_pos_emb=True), WHOLE, 20,
    layers="2 pre gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 12 linear, 1 embedding")
add("xt-relative-20", XT + ", relative position bias", lambda: x_transformer(rel_pos_bias=True), WHOLE, 20,
    layers="",
    ops="2 softmax, 5 layer_norm, 2 gelu, 12 linear, 3 embedding")
add("torchscale-17", "torchscale decoder, sub-LN", torchscale_decoder, SCRIPT, 17,
    layers="",
    ops="2 softmax, 9 layer_norm, 2 gelu, 12 linear, 1 embedding")
add("torchscale-20", "torchscale decoder, sub-LN", torchscale_decoder, DYNAMO, 20,
    layers="",
    ops="2 softmax, 9 layer_norm, 2 gelu, 12 linear, 1 embedding")
add("clip-17", "open-clip-torch text tower", clip_text, SCRIPT, 17, frozen=["positional_embedding"],
    layers="2 pre gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 8 linear, 1 embedding")
add("clip-21", "open-clip-torch text tower", clip_text, WHOLE, 21,
    layers="2 pre gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 8 linear, 1 embedding")
add("timm-17", "timm Block", lambda: timm_blocks("Block"), SCRIPT, 17, frozen=["position.weight"],
    layers="2 pre gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 8 linear, 1 embedding")
add("timm-scale-18", "timm Block, LayerScale", lambda: timm_blocks("Block", init_values=0.1), SCRIPT, 18,
    frozen=["position.weight"],
    layers="2 pre gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 8 linear, 1 embedding")
add("timm-post-23", "timm ResPostBlock", lambda: timm_blocks("ResPostBlock"), DYNAMO, 23,
    layers="2 post attention-LN gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 8 linear, 1 embedding")
add("timm-parallel-22", "timm ParallelScalingBlock", lambda: timm_blocks("ParallelScalingBlock"), DYNAMO, 22,
    layers="2 parallel gelu",
    ops="2 attention, 3 layer_norm, 2 gelu, 6 linear, 1 embedding")
add("ours-14", "our NormFormer", lambda: ours(**NORMFORMER), SCRIPT, 14,
    layers="2 pre attention-LN FFN-LN HeadScale ResScale gelu",
    ops="2 attention, 9 layer_norm, 2 gelu, 2 head_scale, 2 residual_scale, 12 linear, 1 embedding")
add("ours-half-20", "our NormFormer, float16", lambda: ours(**NORMFORMER), WHOLE, 20, **HALF,
    layers="2 pre attention-LN FFN-LN HeadScale ResScale gelu",
    ops="2 attention, 9 layer_norm, 2 gelu, 2 head_scale, 2 residual_scale, 12 linear, 1 embedding")
add("ours-post-proj-17", "our NormFormer, Post-LN", lambda: ours(placement="post", head_scale="post_proj"), SCRIPT, 17,
    layers="2 post HeadScale gelu",
    ops="2 attention, 5 layer_norm, 2 gelu, 2 head_scale, 12 linear, 1 embedding")
add("ours-23", "our NormFormer", lambda: ours(**NORMFORMER), DYNAMO, 23, symbolic=True,
    layers="2 pre attention-LN FFN-LN HeadScale ResScale gelu",
    ops="2 attention, 9 layer_norm, 2 gelu, 2 head_scale, 2 residual_scale, 12 linear, 1 embedding")
add("ours-20", "our NormFormer, untied",
    lambda: ours(**NORMFORMER | dict(tie_embeddings=False, activation="relu2")), WHOLE, 20,
    layers="2 pre attention-LN FFN-LN HeadScale ResScale relu2",
    ops="2 attention, 9 layer_norm, 2 relu2, 2 head_scale, 2 residual_scale, 12 linear, 1 embedding")


# A few of every package; the others take longer together than tools/check.sh has time for.
QUICK = {"gpt2-13", "llama-17", "opt-post-15", "bert-14", "roberta-14", "neox-16", "neox-parallel-17", "xt-20", "xt-relative-20",
         "torchscale-17", "clip-17", "timm-scale-18", "timm-post-23", "ours-14", "gpt2-half-17",
         "bert-bfloat-20"}
QUICK_BF16 = {"gpt2-13", "roberta-14"}  # trained in bf16 too
BY_NAME = {entry.name: entry for entry in ENTRIES}


def build(entry):
    """The model of an entry, always the same: vectors away from their initial ones and zeros."""
    torch.manual_seed(0)
    model, call = entry.make()
    for parameter in model.parameters():
        if parameter.dim() == 1 or parameter.numel() <= max(D, F):
            parameter.data += 0.1 * torch.randn_like(parameter)
        elif not parameter.data.any() or not parameter.isfinite().all():
            torch.nn.init.normal_(parameter, std=0.1)
    if entry.half:
        model = model.to(entry.half).float()
    return (WithMask if entry.masked else WithoutMask)(model, call).eval()


def export(entry, model, file):
    ids = torch.randint(2, V, (BATCH, T))
    if entry.half:
        model = copy.deepcopy(model).to(entry.half)
    names = ["input_ids", "attention_mask"] if entry.masked else ["input_ids"]
    options = dict(dynamo=False)
    if entry.exporter not in (SCRIPT, FUSED):
        options = dict(dynamo=True, external_data=False, optimize=entry.exporter == DYNAMO)
    if entry.symbolic:
        options["dynamic_shapes"] = tuple({0: "batch", 1: "sequence"} for _ in names)
    arguments = (ids, torch.ones_like(ids)) if entry.masked else (ids,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, arguments, str(file), input_names=names, output_names=["logits"],
                          opset_version=entry.opset, verbose=False, **options)
    if entry.fused:
        from onnxruntime.transformers import optimizer

        fused = optimizer.optimize_model(str(file), model_type=entry.fused, num_heads=HEADS, hidden_size=D, opt_level=0)
        fused.save_model_to_file(str(file))


def cache_key():
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    sources = [Path(__file__), Path(__file__).with_name("torch_model.py")]
    return hashlib.sha256("\n".join(versions).encode() + b"".join(s.read_bytes() for s in sources)).hexdigest()[:16]


def file_of(entry, model, cache):
    """The entry's file below `cache`, made where it is missing."""
    folder = Path(cache) / cache_key()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{entry.name}.onnx"
    if not file.exists():
        part = folder / f"{entry.name}.part.onnx"
        export(entry, model, part)
        part.rename(file)
    return file


def main():
    logging.disable(logging.WARNING)
    for name in sys.argv[2:] or BY_NAME:
        print(file_of(BY_NAME[name], build(BY_NAME[name]), sys.argv[1]), flush=True)


if __name__ == "__main__":
    main()
