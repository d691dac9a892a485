"""The model family in PyTorch: an independent statement of what a model definition means.

Every name in state_dict() is the name that definitions, checkpoints and executables use, and every variant is built
from the metadata that `EXE info --json` prints. In float64 it is the truth that compiled programs are measured against;
in float32 it is the peer of the benchmarks. Dropout drops what a compiled program drops (philox.py), in `loss` alone.

One block, Pre-LN (Post-LN moves `ln` behind each addition):
  x1 = x + post_ln(head_scale(attn(ln(x))))
  x2 = residual_scale * x1 + fc2(act_ln(act(fc1(ln(x1)))))

Shapes: B sequences, T tokens, d = d_model, h heads of d / h columns, V = vocabulary.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

ACTIVATIONS = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "relu2": lambda x: F.relu(x).square(),
    "silu": F.silu,
}


@dataclass
class Config:
    """The keys of a definition that change what is computed, under the definition's names."""

    kind: str = "decoder"  # decoder: causal attention; encoder: every token sees every real token
    layers: int = 2
    d_model: int = 64
    heads: int = 4
    d_ffn: int = 256
    vocab: int = 256
    context: int = 64
    activation: str = "gelu"
    positions: str = "learned"  # or sinusoidal
    tie_embeddings: bool = True
    embedding_scale: float = 1.0  # or "sqrt(d_model)"
    bias: bool = True  # of the linears inside blocks; LayerNorms always have one, lm_head never
    placement: str = "pre"  # or post
    attention_layernorm: bool = False
    ffn_layernorm: bool = False
    head_scale: str = "none"  # pre_proj: each head before `out` (paper); post_proj: slices of its result (fairseq)
    residual_scale: bool = False
    eps: float = 1e-5
    dropout: float = 0.0  # of the embedding and of each block's result; `site` numbers the places
    attention_dropout: float = 0.0  # of attention's probabilities

    def __post_init__(self):
        if self.embedding_scale == "sqrt(d_model)":
            self.embedding_scale = math.sqrt(self.d_model)

    @property
    def embedding_layernorm(self):
        return self.placement == "post" or self.kind == "encoder"

    @property
    def final_layernorm(self):
        return self.placement == "pre"

    @staticmethod
    def from_metadata(metadata):
        """From the compile keys of `EXE info --json`: {"model.layers": {"value": 12, ...}, ...}."""
        keys = {key: entry["value"] for key, entry in metadata["compile_keys"].items()}
        fields = Config.__dataclass_fields__
        named = {key.split(".", 1)[1]: value for key, value in keys.items() if key.startswith(("model.", "norm."))}
        return Config(**{name: value for name, value in named.items() if name in fields})


def sinusoidal(count, d):
    """[count, d], fairseq's layout: sin(position * frequency) in the first half of the columns, cos in the second (not
    interleaved); the frequencies fall geometrically from 1 to 1/10000; positions count from 0."""
    half = d // 2
    frequency = torch.exp(torch.arange(half, dtype=torch.float64) * -(math.log(10000) / max(half - 1, 1)))
    angle = torch.arange(count, dtype=torch.float64)[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=1).float()  # rounded as in an executable


def drop(x, draws, site, p):
    """x [..., columns] where `draws` keeps it, over 1 - p; all of x where nothing is drawn."""
    if draws is None or p == 0:
        return x
    return x * draws.keep(site, x[..., 0].numel(), x.shape[-1], p).view(x.shape) / (1 - p)


class FixedPositions(nn.Module):
    """Has the name of the learned positions, but is not in a checkpoint."""

    def __init__(self, count, d):
        super().__init__()
        self.register_buffer("weight", sinusoidal(count, d), persistent=False)

    def forward(self, index):
        return F.embedding(index, self.weight)


class Embed(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.scale, self.dropout = c.embedding_scale, c.dropout
        self.tokens = nn.Embedding(c.vocab, c.d_model)
        self.positions = (nn.Embedding if c.positions == "learned" else FixedPositions)(c.context, c.d_model)
        self.ln = nn.LayerNorm(c.d_model, c.eps) if c.embedding_layernorm else None

    def forward(self, tokens, positions, draws=None):
        x = self.scale * self.tokens(tokens) + self.positions(positions)
        return drop(self.ln(x) if self.ln else x, draws, 0, self.dropout)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.causal, self.placement = c.heads, c.kind == "decoder", c.head_scale
        self.dropout = c.attention_dropout
        self.ln = nn.LayerNorm(c.d_model, c.eps)
        self.q, self.k, self.v, self.out = (nn.Linear(c.d_model, c.d_model, bias=c.bias) for _ in range(4))
        self.head_scale = nn.Parameter(torch.ones(c.heads)) if c.head_scale != "none" else None
        self.post_ln = nn.LayerNorm(c.d_model, c.eps) if c.attention_layernorm else None

    def attend(self, q, k, v, visible, draws, site):
        if draws is None or self.dropout == 0:
            return F.scaled_dot_product_attention(q, k, v, attn_mask=visible, is_causal=self.causal and visible is None)
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
        if visible is None and self.causal:
            visible = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        if visible is not None:
            scores = scores.masked_fill(~visible, -math.inf)
        return drop(scores.softmax(-1), draws, site, self.dropout) @ v

    def forward(self, x, visible, draws=None, site=0):
        B, T, d = x.shape
        q, k, v = (f(x).view(B, T, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        y = self.attend(q, k, v, visible, draws, site)
        y = y.transpose(1, 2)  # [B, T, h, d / h]
        if self.placement == "pre_proj":
            y = y * self.head_scale[:, None]
        y = self.out(y.reshape(B, T, d))
        if self.placement == "post_proj":
            y = (y.view(B, T, self.heads, -1) * self.head_scale[:, None]).view(B, T, d)
        return self.post_ln(y) if self.post_ln else y


class FeedForward(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.activation = ACTIVATIONS[c.activation]
        self.ln = nn.LayerNorm(c.d_model, c.eps)
        self.fc1 = nn.Linear(c.d_model, c.d_ffn, bias=c.bias)
        self.act_ln = nn.LayerNorm(c.d_ffn, c.eps) if c.ffn_layernorm else None
        self.fc2 = nn.Linear(c.d_ffn, c.d_model, bias=c.bias)
        self.residual_scale = nn.Parameter(torch.ones(c.d_model)) if c.residual_scale else None

    def forward(self, x):
        y = self.activation(self.fc1(x))
        return self.fc2(self.act_ln(y) if self.act_ln else y)

    def residual(self, x):
        return x if self.residual_scale is None else self.residual_scale * x


class Layer(nn.Module):
    def __init__(self, c, number):
        super().__init__()
        self.post, self.dropout = c.placement == "post", c.dropout
        self.site = 3 * number + 1  # of the probabilities' dropout; the next two are of the blocks' results
        self.attn, self.ffn = Attention(c), FeedForward(c)

    def forward(self, x, visible, draws=None):
        attn, ffn = self.attn, self.ffn
        y = attn(x if self.post else attn.ln(x), visible, draws, self.site)
        x = x + drop(y, draws, self.site + 1, self.dropout)
        x = attn.ln(x) if self.post else x
        y = ffn(x if self.post else ffn.ln(x))
        x = ffn.residual(x) + drop(y, draws, self.site + 2, self.dropout)
        return ffn.ln(x) if self.post else x


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.encoder, self.drops = config.kind == "encoder", config.dropout + config.attention_dropout > 0
        self.embed = Embed(config)
        self.layers = nn.ModuleList(Layer(config, number) for number in range(config.layers))
        self.final_ln = nn.LayerNorm(config.d_model, config.eps) if config.final_layernorm else None
        self.lm_head = None if config.tie_embeddings else nn.Linear(config.d_model, config.vocab, bias=False)

    def visible(self, key_padding, segments):
        """Which keys each query sees, [B, 1, T or 1, T]; None: as the kind of model says."""
        if segments is None:
            return key_padding.bool()[:, None, None, :] if self.encoder and key_padding is not None else None
        seen = segments[:, None, :, None] == segments[:, None, None, :]
        if not self.encoder:
            return seen.tril()
        return seen if key_padding is None else seen & key_padding.bool()[:, None, None, :]

    def forward(self, tokens, positions, key_padding=None, segments=None, draws=None):
        """Logits [B, T, V] of tokens i64[B, T] at positions i64[B, T]; key_padding [B, T], 1 = real (encoders only);
        segments i64[B, T]: attention sees only tokens of equal number; draws: a step's Draws of philox.py, for dropout."""
        x = self.embed(tokens, positions, draws)
        visible = self.visible(key_padding, segments)
        for layer in self.layers:
            x = layer(x, visible, draws)
        x = self.final_ln(x) if self.final_ln else x
        return F.linear(x, self.embed.tokens.weight if self.lm_head is None else self.lm_head.weight)

    def loss(self, batch):
        """sum(loss_weight * negative log likelihood) * inv_count of a batch: the arguments of forward_backward."""
        if self.drops and "draws" not in batch:
            raise ValueError("expected model.dropout = 0 and model.attention_dropout = 0 of a batch without draws; "
                             "compile with --set")
        logits = self(batch["tokens"], batch["positions"], batch.get("key_padding"), batch.get("segments"),
                      batch.get("draws"))
        return token_loss(logits, batch)


def token_loss(logits, batch):
    nll = F.cross_entropy(logits.flatten(0, 1), batch["targets"].flatten(), reduction="none")
    return (batch["loss_weight"].flatten() * nll).sum() * batch["inv_count"]


@dataclass
class Recipe:
    """The run-time keys of one optimizer step."""

    lr: float = 3e-4
    beta1: float = 0.9
    beta2: float = 0.95
    eps: float = 1e-8
    weight_decay: float = 0.1
    decay: str = "matrices"  # which tensors decay: those of rank >= 2, or "all"
    clip: float = 1.0  # 0: off
    seed: int = 1  # of dropout

    @staticmethod
    def from_metadata(metadata):
        keys = metadata["run_keys"]
        return Recipe(**{name: keys["train." + name]["value"] for name in Recipe.__dataclass_fields__})


def make_optimizer(model, recipe, fused):
    """AdamW with decoupled decay; `fused` is the fast form of the same arithmetic."""
    decays = [p for p in model.parameters() if recipe.decay == "all" or p.dim() >= 2]
    others = [p for p in model.parameters() if recipe.decay != "all" and p.dim() < 2]
    groups = [{"params": decays, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=(recipe.beta1, recipe.beta2), eps=recipe.eps, fused=fused)


def backward(loss, model, optimizer, batch):
    """Leaves the gradients in place, unclipped; `loss` is model.loss or a compiled form of it. Returns the loss."""
    optimizer.zero_grad(set_to_none=True)
    value = loss(batch)
    value.backward()
    return value.detach()


def update(model, optimizer, recipe):
    """Clips and steps. Returns the norm of all gradients before clipping."""
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip or math.inf)
    optimizer.step()
    return norm
